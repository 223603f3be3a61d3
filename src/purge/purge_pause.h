/*
 * After a rebuild or a restore nothing is removed by age, and nothing is deleted at Twilio: a hold may be lost with the page that it
 * stood on, or be younger than the backup, and what it held would be gone with the first start.
 *
 * It is over when a person says so, or a day after Twilio first answered, by its time (purge/clock_guard.h); where it does not
 * answer, once one process has run for a day.  Ours is not enough, though it is believed: after a start it may be ahead by
 * CLOCK_GUARD_GAP_MS.  The ledger keeps it (chores/upkeep.h).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "chores/upkeep.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock_guard;

#define PURGE_PAUSE_MS INT64_C(86400000)

/* ERR_UNAVAILABLE: it is not over, and what a person can do. */
bool purge_pause_check(struct catalog *catalog, struct clock_guard *guard,
		       struct err *err) MUST_CHECK;
/* For a person: why, until when, and what to do.  "": it is over.  Pure. */
void purge_pause_text(const struct upkeep *row, char *out, size_t size);
/* The writer: has the day begin, or end. */
bool purge_pause_count(struct catalog *catalog, struct clock_guard *guard,
		       struct err *err) MUST_CHECK;
/* The writer: a person says that the holds are as they should be.  *out_was: there was a pause. */
bool purge_pause_end(struct catalog *catalog, bool *out_was, struct err *err) MUST_CHECK;
