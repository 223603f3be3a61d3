#include "audit/heard.h"

#include <string.h>

static void remove_at(struct heard_range *ranges, size_t *count, size_t at)
{
	--*count;
	memmove(&ranges[at], &ranges[at + 1], (*count - at) * sizeof(ranges[0]));
}

/* Of ranges in order, those that meet become one. */
static void join_meeting(struct heard_range *ranges, size_t *count)
{
	for (size_t i = 0; i + 1 < *count;) {
		struct heard_range *one = &ranges[i], *next = one + 1;

		if (next->from_ms > one->to_ms) {
			i++;
			continue;
		}
		if (next->to_ms > one->to_ms)
			one->to_ms = next->to_ms;
		remove_at(ranges, count, i + 1);
	}
}

static void join_nearest(struct heard_range *ranges, size_t *count)
{
	size_t nearest = 0;

	for (size_t i = 1; i + 1 < *count; i++)
		if (ranges[i + 1].from_ms - ranges[i].to_ms <
		    ranges[nearest + 1].from_ms - ranges[nearest].to_ms)
			nearest = i;
	ranges[nearest].to_ms = ranges[nearest + 1].to_ms;
	remove_at(ranges, count, nearest + 1);
}

static void insert(struct heard *heard, uint32_t from_ms, uint32_t to_ms)
{
	struct heard_range ranges[HEARD_RANGES + 1];
	size_t count = heard->count, at = 0;

	while (at < count && heard->ranges[at].from_ms < from_ms)
		at++;
	memcpy(ranges, heard->ranges, at * sizeof(ranges[0]));
	ranges[at] = (struct heard_range){ from_ms, to_ms };
	memcpy(&ranges[at + 1], &heard->ranges[at], (count - at) * sizeof(ranges[0]));
	count++;
	join_meeting(ranges, &count);
	if (count > HEARD_RANGES)
		join_nearest(ranges, &count);
	memcpy(heard->ranges, ranges, count * sizeof(ranges[0]));
	heard->count = count;
}

void heard_add(struct heard *heard, uint32_t from_ms, uint32_t to_ms)
{
	heard->listened_ms += to_ms - from_ms;
	insert(heard, from_ms, to_ms);
}

void heard_join(struct heard *heard, const struct heard *more)
{
	heard->listened_ms += more->listened_ms;
	for (size_t i = 0; i < more->count; i++)
		insert(heard, more->ranges[i].from_ms, more->ranges[i].to_ms);
}

void heard_write(const struct heard *heard, struct json *json)
{
	json_open(json, "heard", '[');
	for (size_t i = 0; i < heard->count; i++) {
		json_open(json, NULL, '[');
		json_seconds(json, NULL, heard->ranges[i].from_ms);
		json_seconds(json, NULL, heard->ranges[i].to_ms);
		json_close(json, ']');
	}
	json_close(json, ']');
	json_seconds(json, "listened", (int64_t)heard->listened_ms);
}
