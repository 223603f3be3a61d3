/*
 * How long something took, counted by length: one writer, any reader (counter.h).
 *
 * One set of bounds for everything, from 50 us to 25 s, so that a warm play and a slow commit are told apart by the same
 * scale.  Prometheus reads it as a histogram: bucket i counts what took at most time_bucket_us[i], the last one all else.
 */
#pragma once

#include "base/counter.h"

#include <stdint.h>

#define TIME_BUCKETS 18 /* with a bound; one more has none */

extern const int64_t time_bucket_us[TIME_BUCKETS];

struct time_histogram {
	struct counter buckets[TIME_BUCKETS + 1]; /* not added up: each counts its own */
	struct counter sum_us;
};

/* Those of several owners together; a plain value. */
struct time_sum {
	uint64_t buckets[TIME_BUCKETS + 1];
	uint64_t sum_us;
};

/* The owner's thread alone.  Below 0, which no monotonic clock gives, counts as 0. */
void time_histogram_count(struct time_histogram *histogram, int64_t us);
/* Any thread. */
void time_histogram_add(const struct time_histogram *histogram, struct time_sum *sum);
