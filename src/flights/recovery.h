/*
 * What an earlier process left, by a stop or by a crash.
 *
 * Nothing here is lost by dying anywhere: attempts that were begun and never ended are
 * closed as interrupted, arriving files of nobody are removed, and what was to be fetched
 * is queued again for the instant that the ledger names.  Events that were
 * committed and not yet projected are the ledger's own affair (ledger/ledger.c).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct blob_store;
struct catalog;
struct flight_env;
struct recovery;
struct scheduler;

/* Before any thread: closes attempts, sweeps files.  Blocks. */
bool recovery_clean(struct catalog *catalog, struct blob_store *store, struct err *err) MUST_CHECK;
/* Reads the queue page by page beside everything else, and hands it to the scheduler. */
struct recovery *recovery_start(const struct flight_env *env, struct scheduler *scheduler);
void recovery_free(struct recovery *recovery);
