#include "tap.h"
#include "web/disk_trend.h"

#define HOUR INT64_C(3600000)
#define GIB  (UINT64_C(1) << 30)

static void test_filling(void)
{
	struct disk_trend *trend = disk_trend_new();

	IS_INT(disk_trend_add(trend, 0, 100 * GIB, 20 * GIB), DISK_TREND_UNKNOWN,
	       "one look says nothing");
	IS_INT(disk_trend_add(trend, HOUR / 4, 99 * GIB, 20 * GIB), DISK_TREND_UNKNOWN,
	       "nor do two that are near");
	IS_INT(disk_trend_add(trend, HOUR, 98 * GIB, 20 * GIB), 39 * HOUR,
	       "2 GiB an hour: 78 last for 39 hours");
	IS_INT(disk_trend_add(trend, 2 * HOUR, 98 * GIB, 20 * GIB), 78 * HOUR,
	       "then an hour in which nothing came");
	IS_INT(disk_trend_add(trend, 3 * HOUR, 101 * GIB, 20 * GIB), DISK_TREND_UNKNOWN,
	       "it was emptied");
	IS_INT(disk_trend_add(trend, 4 * HOUR, 20 * GIB, 20 * GIB), 0, "it is full");
	IS_INT(disk_trend_add(trend, 5 * HOUR, 100 * GIB - 1, 20 * GIB), DISK_TREND_UNKNOWN,
	       "a byte in five hours is no pace");
	disk_trend_free(trend);
}

static void test_a_day(void)
{
	struct disk_trend *trend = disk_trend_new();
	int64_t left_ms = 0;

	/* A gibibyte an hour for two days, then two: what is over a day old counts no more. */
	for (int64_t minute = 0; minute <= 72 * 60; minute += 10) {
		uint64_t taken = (uint64_t)minute * (GIB / 60);

		if (minute > 48 * 60)
			taken += (uint64_t)(minute - 48 * 60) * (GIB / 60);
		left_ms = disk_trend_add(trend, minute * 60000, 1000 * GIB - taken, 0);
	}
	OK(left_ms / HOUR == (1000 - 96) / 2, "the pace of the last day: %lld hours",
	   (long long)(left_ms / HOUR));
	IS_INT(disk_trend_add(trend, 1000 * HOUR, 900 * GIB, 0), DISK_TREND_UNKNOWN,
	       "nobody looked for a month");
	disk_trend_free(trend);
	disk_trend_free(NULL);
}

int main(void)
{
	test_filling();
	test_a_day();
	return tap_end();
}
