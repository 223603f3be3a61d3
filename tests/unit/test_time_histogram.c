#include "base/time_histogram.h"

#include "base/compiler.h"
#include "tap.h"

static void check_buckets(void)
{
	static const struct {
		const char *name;
		int64_t us;
		int64_t below_us; /* the bound of the bucket that counts it; -1: the one without */
	} rows[] = {
		{ "nothing at all is the shortest", 0, 50 },
		{ "what goes backwards is nothing", -5, 50 },
		{ "a bound is in its own bucket", 50, 50 },
		{ "the first beyond it in the next", 51, 100 },
		{ "a millisecond", 1000, 1000 },
		{ "play_wait", 25000000, 25000000 },
		{ "longer than every bound", 25000001, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct time_histogram histogram = { .sum_us.value = 0 };
		struct time_sum sum = { .sum_us = 7 };
		int64_t below_us = -1;
		uint64_t count = 0;

		time_histogram_count(&histogram, rows[i].us);
		time_histogram_add(&histogram, &sum);
		for (unsigned bucket = 0; bucket <= TIME_BUCKETS; bucket++) {
			count += sum.buckets[bucket];
			if (sum.buckets[bucket] > 0 && bucket < TIME_BUCKETS)
				below_us = time_bucket_us[bucket];
		}
		IS_INT(below_us, rows[i].below_us, "%s", rows[i].name);
		IS_INT(count, 1, "... counted once");
		IS_INT(sum.sum_us, 7 + (rows[i].us > 0 ? rows[i].us : 0), "... and added up");
	}
}

static void check_owners(void)
{
	struct time_histogram a = { .sum_us.value = 0 }, b = { .sum_us.value = 0 };
	struct time_sum sum = { .sum_us = 0 };
	int64_t before_us = 0;

	for (unsigned i = 0; i < TIME_BUCKETS; i++) {
		OK(time_bucket_us[i] > before_us, "bound %u is above the one before", i);
		before_us = time_bucket_us[i];
	}
	time_histogram_count(&a, 80);
	time_histogram_count(&b, 70);
	time_histogram_count(&b, 400);
	time_histogram_add(&a, &sum);
	time_histogram_add(&b, &sum);
	IS_INT(sum.buckets[1], 2, "those of two owners are one");
	IS_INT(sum.buckets[3], 1, "each in its bucket");
	IS_INT(sum.sum_us, 550, "and their sum");
}

int main(void)
{
	check_buckets();
	check_owners();
	return tap_end();
}
