/*
 * Numbers that one thread counts and any thread reads: what /metrics tells.
 *
 * One writer makes a plain load and a plain store of it, without a lock prefix and without a line of the cache that
 * two threads write.  So each owner (a loop, the ledger's writer) has counters of its own, apart from other owners'
 * memory (COUNTER_LINE), and who reads adds them up.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define COUNTER_LINE 64 /* bytes of a line of the cache: what keeps two owners apart */

/* Only rises.  All zero: begun. */
struct counter {
	_Atomic uint64_t value;
};

/* Whatever it is just now.  All zero: 0. */
struct gauge {
	_Atomic int64_t value;
};

/* The owner's thread alone. */
static inline void counter_add(struct counter *counter, uint64_t n)
{
	uint64_t now = atomic_load_explicit(&counter->value, memory_order_relaxed);

	atomic_store_explicit(&counter->value, now + n, memory_order_relaxed);
}

static inline void gauge_set(struct gauge *gauge, int64_t value)
{
	atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t counter_read(const struct counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

static inline int64_t gauge_read(const struct gauge *gauge)
{
	return atomic_load_explicit(&gauge->value, memory_order_relaxed);
}
