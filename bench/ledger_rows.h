/*
 * Writes the rows of planned calls as they are: three statements a call instead of what the
 * projection of its events takes, because ten million calls have to be made in minutes.
 * That the rows are those that the projection makes is what `bench-ledger check` compares.
 *
 * The ledger must be new.  It gets no events (as if they had been pruned) and no attempts
 * (as if its recordings had been imported).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "ledger_plan.h"

#include <stdbool.h>

struct catalog;

/* Within a write transaction. */
bool ledger_rows_add(struct catalog *catalog, const struct planned_call *planned,
		     struct err *err) MUST_CHECK;
