/*
 * What /metrics tells of this process as one of several (metrics/families.h).  On a reader's thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct catalog;
struct ledger;
struct metrics_company;

bool muster_count(const struct ledger *ledger, struct catalog *catalog, struct metrics_company *out,
		  struct err *err) MUST_CHECK;
