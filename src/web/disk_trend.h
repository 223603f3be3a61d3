/*
 * How fast the store's disk fills, from how much room it had each time that somebody asked, in the last day.
 *
 * Retention gives room back as recordings take it, so what counts is what the disk says, not what is stored; and a
 * disk that has other tenants fills by them, too.
 *
 * Thread: any; a mutex.
 */
#pragma once

#include <stdint.h>

struct disk_trend;

struct disk_trend *disk_trend_new(void);
void disk_trend_free(struct disk_trend *trend);

#define DISK_TREND_UNKNOWN (-1)

/*
 * `free_bytes` is what is free at `now_ms` (monotonic).  In how many milliseconds only `least_bytes` will be, at the
 * pace of the last day; 0: that is so already.  DISK_TREND_UNKNOWN: less than half an hour is known, the disk does not
 * fill, or not within ten years.  NULL, where nobody looks more than once, knows nothing.
 */
int64_t disk_trend_add(struct disk_trend *trend, int64_t now_ms, uint64_t free_bytes,
		       uint64_t least_bytes);
