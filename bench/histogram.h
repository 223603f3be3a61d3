/*
 * Durations, counted in buckets that are at most 1.6 % wide: a run of millions of
 * requests costs 32 KiB and no sorting.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 4096

struct histogram {
	uint64_t count;
	int64_t most_ns;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t ns);
/* The duration below which `share` (0.5, 0.99) of all lie, in milliseconds; 0 when there is none. */
double histogram_ms(const struct histogram *histogram, double share);
