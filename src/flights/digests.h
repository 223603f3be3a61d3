/*
 * Digests of what was stored, computed behind.
 *
 * To hash a recording takes longer than to store it, and nothing that was promised needs it: it
 * is safe once it is synced.  So a recording is stored first; once nothing was stored for a
 * moment, one thread that yields to all others hashes what the ledger says has no digest yet,
 * until there is nothing left.  At the start, too, for what the last process left.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

struct digests;
struct flight_env;

/* The env outlives it. */
bool digests_new(const struct flight_env *env, struct digests **out, struct err *err) MUST_CHECK;
/* Something was stored, or may have been. */
void digests_want(struct digests *digests);
/* Ends the thread, within the file that it is at; nothing is wanted from then on. */
void digests_stop(struct digests *digests);
void digests_free(struct digests *digests); /* NULL does nothing */
DEFINE_AUTO(struct digests *, digests_free)
