/*
 * How long to wait before the next of several tries.
 *
 * Back-off with full jitter: at random between nothing and first_ms * 2^(tries - 1), capped at most_ms,
 * and never under a tenth of that, so that a storm spreads but nobody hammers.
 */
#pragma once

#include <stdint.h>

/* `tries`: how many failed, 1 at the first.  `random`: any 64 random bits.  Pure. */
int64_t retry_wait_ms(int64_t tries, int64_t first_ms, int64_t most_ms, uint64_t random);
