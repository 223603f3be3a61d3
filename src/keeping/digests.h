/*
 * Digests of stored media, computed behind.
 *
 * To hash a recording takes longer than to store it, and nothing that was promised needs it: it
 * is safe once it is synced.  So a recording is stored first; once nothing was stored for a
 * moment, what the ledger says has no digest yet is hashed, so that a burst is stored first and
 * its digests are written many at a time.  A start goes on with what the last process left.
 */
#pragma once

#include "keeping/sweep.h"

extern const struct sweep_table digests_table;
