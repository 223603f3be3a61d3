/*
 * How many within the last 24 hours, by a clock that never jumps: what no wall clock, ours or another's, can make a new day of.
 * Of one process; counted in quarters of an hour, so that one goes up to a quarter later than it might, and none earlier.
 */
#pragma once

#include <stdint.h>

#define DAY_COUNT_SLOTS 97 /* those of a day, and the one that has begun */

struct day_count {
	struct {
		int64_t quarter; /* since the clock began */
		int64_t count;
	} at[DAY_COUNT_SLOTS];
};

/* All zero: begun.  now_ms: never less than before. */
void day_count_add(struct day_count *day, int64_t now_ms);
int64_t day_count_sum(const struct day_count *day, int64_t now_ms);
