#include "purge/day_count.h"

#define QUARTER_MS INT64_C(900000)

void day_count_add(struct day_count *day, int64_t now_ms)
{
	int64_t quarter = now_ms / QUARTER_MS;
	int slot = (int)(quarter % DAY_COUNT_SLOTS);

	if (day->at[slot].quarter != quarter) {
		day->at[slot].quarter = quarter;
		day->at[slot].count = 0;
	}
	day->at[slot].count++;
}

int64_t day_count_sum(const struct day_count *day, int64_t now_ms)
{
	int64_t first = now_ms / QUARTER_MS - DAY_COUNT_SLOTS + 1, sum = 0;

	for (int slot = 0; slot < DAY_COUNT_SLOTS; slot++)
		if (day->at[slot].quarter >= first)
			sum += day->at[slot].count;
	return sum;
}
