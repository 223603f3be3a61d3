/*
 * Rounds that note what has expired (chores/notices_expired.h), each a page at a time: a minute apart, more often where
 * something is kept for less than ten minutes.
 *
 * What was told by a clock that was ahead stays told; once it is put right, all are looked at again.
 *
 * Thread: the notifier's loop.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct expiry_rounds;
struct ledger;
struct loop;
struct mailbox;
struct retention;

struct expiry_rounds_env {
	struct loop *loop;
	struct mailbox *mailbox; /* its */
	struct ledger *ledger;
	const struct retention *retention;
	void (*noted)(void *owner); /* there is something to tell */
	void *owner;
};

/*
 * Before ledger_start(): from when on expiries are told is kept in the ledger, now if it was not yet.
 */
bool expiry_rounds_open(const struct expiry_rounds_env *env, struct expiry_rounds **out,
			struct err *err) MUST_CHECK;
/* Nobody is to be told any more: when somebody is, it is from then on.  Before ledger_start(). */
bool expiry_rounds_forget(struct ledger *ledger, struct err *err) MUST_CHECK;
void expiry_rounds_start(struct expiry_rounds *rounds);
/* What comes back from the ledger is left alone from now on. */
void expiry_rounds_stop(struct expiry_rounds *rounds);
void expiry_rounds_free(struct expiry_rounds *rounds); /* NULL does nothing */
