/*
 * Tells a ledger of a planned call by events, as webhooks and flights would: appended,
 * projected, then stored and purged where the plan says so.  A transaction a call.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "ledger_plan.h"

#include <stdbool.h>

struct catalog;

bool ledger_told_add(struct catalog *catalog, const struct planned_call *planned,
		     struct err *err) MUST_CHECK;
