#include "base/time_histogram.h"

const int64_t time_bucket_us[TIME_BUCKETS] = {
	50,    100,    250,    500,    1000,    2500,    5000,    10000,    25000,
	50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 25000000,
};

/* From the shortest on: what is frequent is short. */
static unsigned bucket_of(int64_t us)
{
	unsigned bucket = 0;

	while (bucket < TIME_BUCKETS && us > time_bucket_us[bucket])
		bucket++;
	return bucket;
}

void time_histogram_count(struct time_histogram *histogram, int64_t us)
{
	if (us < 0)
		us = 0;
	counter_add(&histogram->buckets[bucket_of(us)], 1);
	counter_add(&histogram->sum_us, (uint64_t)us);
}

void time_histogram_add(const struct time_histogram *histogram, struct time_sum *sum)
{
	for (unsigned i = 0; i <= TIME_BUCKETS; i++)
		sum->buckets[i] += counter_read(&histogram->buckets[i]);
	sum->sum_us += counter_read(&histogram->sum_us);
}
