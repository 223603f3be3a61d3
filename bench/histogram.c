#include "histogram.h"

#define FINE_BITS 6 /* 64 buckets for each power of two */

static unsigned bucket_of(uint64_t ns)
{
	unsigned power;

	if (ns < 1u << FINE_BITS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - FINE_BITS;
	return ((power + 1) << FINE_BITS) + (unsigned)((ns >> power) & ((1u << FINE_BITS) - 1));
}

/* The middle of a bucket. */
static double ns_of(unsigned bucket)
{
	unsigned power = bucket >> FINE_BITS, fine = bucket & ((1u << FINE_BITS) - 1);

	if (power == 0)
		return fine;
	return ((double)((1u << FINE_BITS) + fine) + 0.5) * (double)(1ull << (power - 1));
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
	histogram->count++;
	histogram->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
	if (ns > histogram->most_ns)
		histogram->most_ns = ns;
}

double histogram_ms(const struct histogram *histogram, double share)
{
	double wanted = share * (double)histogram->count, below = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += histogram->buckets[i];
		if (below >= wanted && below > 0)
			return ns_of(i) / 1e6;
	}
	return 0;
}
