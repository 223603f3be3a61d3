/*
 * Media in a backup's folder that its ledger does not call stored, taken away.
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
