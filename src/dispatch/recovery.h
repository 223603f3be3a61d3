/*
 * What an earlier process left, by a stop or by a crash.
 *
 * Nothing here is lost by dying anywhere: attempts that were begun and never ended are
 * closed as interrupted, and arriving files of nobody are removed.  What was to be fetched waits in the
 * ledger, from which it is claimed (queue.h); of it, what had expired is looked through, for perhaps it is kept longer
 * now, or had expired by a clock that was wrong.  Events that were committed and not yet projected are the ledger's own affair
 * (ledger/ledger.c).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct blob_store;
struct flight_env;
struct ledger;
struct recovery;
struct scheduler;

/* Before any thread: closes attempts, sweeps files.  Blocks. */
bool recovery_clean(struct ledger *ledger, struct blob_store *store, struct err *err) MUST_CHECK;
/*
 * Queues what is kept longer now, page by page beside everything else, and wakes the scheduler.  Looks again when the
 * clock was set: by one that was ahead everything was too old.  On the fetching loop.
 */
struct recovery *recovery_start(const struct flight_env *env, struct scheduler *scheduler);
/* The rules of retention are others now. */
void recovery_look(struct recovery *recovery);
void recovery_free(struct recovery *recovery); /* NULL does nothing */
