/* What the parts of a verifier share.  Thread: its loop. */
#pragma once

#include "verify/verify_options.h"

#include <stdatomic.h>

struct blob_store;
struct ledger;
struct loop;
struct mailbox;
struct vouched_clock;
struct workers;

struct verify_env {
	struct loop *loop;
	struct mailbox *mailbox; /* its */
	struct ledger *ledger;
	struct vouched_clock *clock; /* by which faults that are over are forgotten */
	struct blob_store *store;
	struct workers *workers; /* one, of low priority */
	struct verify_options options;
	int64_t read_again_ms; /* between two tries of a file that is to be adopted, and cannot be read */
	atomic_bool is_stopping; /* once set, work ends early and nothing more is begun */
};

/* Of this thread; where it is refused it stays as it is. */
void verify_be_nice(void);
