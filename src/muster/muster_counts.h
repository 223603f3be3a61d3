/*
 * What /metrics tells of this process as one of several (metrics/families.h).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct catalog;
struct ledger;
struct metrics_company;

/* What it knows by itself; any thread. */
void muster_know(const struct ledger *ledger, struct metrics_company *out);
/* That, and what the ledger knows.  On a reader's thread. */
bool muster_count(const struct ledger *ledger, struct catalog *catalog, struct metrics_company *out,
		  struct err *err) MUST_CHECK;
