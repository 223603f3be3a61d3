/*
 * How often something happened, over a time that nobody knows before: a fixed number of buckets, which become twice as wide
 * when they do not reach.  A plain value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOG_TIMELINE_BUCKETS 64

struct log_timeline {
	int64_t begins_s; /* of the first bucket; a multiple of wide_s */
	int64_t wide_s;   /* 0: nothing was counted */
	uint64_t counts[LOG_TIMELINE_BUCKETS];
};

void log_timeline_count(struct log_timeline *timeline, int64_t at_s);
/* How often within [from_s, until_s), as near as the buckets tell. */
uint64_t log_timeline_between(const struct log_timeline *timeline, int64_t from_s, int64_t until_s);
