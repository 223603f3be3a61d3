#include "proxylog/log_timeline.h"

#include <assert.h>

#define WIDE_MAX ((int64_t)1 << 50) /* beyond, a log's time is no time */

/* At least the multiple below it, for times before 1970, too. */
static int64_t floor_to(int64_t at_s, int64_t wide_s)
{
	int64_t rest;

	assert(wide_s > 0);
	rest = at_s % wide_s;
	return at_s - (rest < 0 ? rest + wide_s : rest);
}

static void widen(struct log_timeline *timeline)
{
	int64_t wide_s = timeline->wide_s * 2;
	int64_t begins_s = floor_to(timeline->begins_s, wide_s);
	struct log_timeline wide = { .begins_s = begins_s, .wide_s = wide_s };

	for (int i = 0; i < LOG_TIMELINE_BUCKETS; i++) {
		int64_t at_s = timeline->begins_s + i * timeline->wide_s;

		wide.counts[(at_s - begins_s) / wide_s] += timeline->counts[i];
	}
	*timeline = wide;
}

static int64_t last_filled(const struct log_timeline *timeline)
{
	for (int i = LOG_TIMELINE_BUCKETS - 1; i > 0; i--)
		if (timeline->counts[i] > 0)
			return i;
	return 0;
}

/* Moves the buckets back to begin before at_s, where those behind stay in; false: they do not. */
static bool begin_before(struct log_timeline *timeline, int64_t at_s)
{
	int64_t begins_s = floor_to(at_s, timeline->wide_s);
	int64_t by = (timeline->begins_s - begins_s) / timeline->wide_s;

	if (by + last_filled(timeline) >= LOG_TIMELINE_BUCKETS)
		return false;
	for (int64_t i = LOG_TIMELINE_BUCKETS - 1; i >= 0; i--)
		timeline->counts[i] = i >= by ? timeline->counts[i - by] : 0;
	timeline->begins_s = begins_s;
	return true;
}

static bool reaches(struct log_timeline *timeline, int64_t at_s)
{
	assert(timeline->wide_s > 0);
	if (at_s < timeline->begins_s)
		return begin_before(timeline, at_s);
	return (at_s - timeline->begins_s) / timeline->wide_s < LOG_TIMELINE_BUCKETS;
}

void log_timeline_count(struct log_timeline *timeline, int64_t at_s)
{
	if (at_s <= 0 || at_s > WIDE_MAX)
		return;
	if (timeline->wide_s == 0)
		*timeline = (struct log_timeline){ .begins_s = at_s, .wide_s = 1 };
	while (!reaches(timeline, at_s))
		widen(timeline);
	timeline->counts[(at_s - timeline->begins_s) / timeline->wide_s]++;
}

uint64_t log_timeline_between(const struct log_timeline *timeline, int64_t from_s, int64_t until_s)
{
	uint64_t count = 0;

	for (int i = 0; i < LOG_TIMELINE_BUCKETS && timeline->wide_s > 0; i++) {
		int64_t middle_s = timeline->begins_s + i * timeline->wide_s + timeline->wide_s / 2;

		if (middle_s >= from_s && middle_s < until_s)
			count += timeline->counts[i];
	}
	return count;
}
