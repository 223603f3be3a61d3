/*
 * Media in a backup's folder that its ledger calls purged, or replaced by other media that is there, taken away.  What
 * else the ledger does not call stored may be the last copy, and stays: of a recording that the store has lost.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct landing;

/* Blocks; looks up each file.  What has no name of blob.h stays. */
bool prune(const char *folder, struct catalog *catalog, struct landing *landing,
	   uint64_t *out_pruned, struct err *err) MUST_CHECK;
