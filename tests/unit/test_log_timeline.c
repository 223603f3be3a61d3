#include "proxylog/log_timeline.h"

#include "tap.h"

static uint64_t all(const struct log_timeline *timeline)
{
	uint64_t sum = 0;

	for (int i = 0; i < LOG_TIMELINE_BUCKETS; i++)
		sum += timeline->counts[i];
	return sum;
}

int main(void)
{
	struct log_timeline timeline = { .wide_s = 0 };
	uint64_t random = 1;

	IS_INT(log_timeline_between(&timeline, 0, INT64_MAX), 0, "nothing was counted");
	log_timeline_count(&timeline, 0);
	log_timeline_count(&timeline, -5);
	log_timeline_count(&timeline, INT64_MAX);
	IS_INT(all(&timeline), 0, "what is no time is left out");

	for (int64_t at_s = 1000; at_s < 1064; at_s++)
		log_timeline_count(&timeline, at_s);
	IS_INT(timeline.wide_s, 1, "64 seconds have a bucket each");
	log_timeline_count(&timeline, 1064);
	IS_INT(timeline.wide_s, 2, "one more makes them wider");
	IS_INT(all(&timeline), 65, "and loses none");
	IS_INT(log_timeline_between(&timeline, 1000, 1032), 32, "they lie where they were");
	log_timeline_count(&timeline, 10);
	OK(timeline.wide_s == 32 && timeline.begins_s <= 10, "the newest may come first");
	IS_INT(all(&timeline), 66, "and none is lost");

	for (int i = 0; i < 100000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		log_timeline_count(&timeline, (int64_t)(random >> (20 + i % 40)) % 2000000000 + 1);
	}
	IS_INT(all(&timeline), 100066, "in whatever order, none is lost");
	OK(timeline.begins_s >= 0 &&
		   timeline.begins_s + timeline.wide_s * LOG_TIMELINE_BUCKETS >= 2000000000,
	   "and they reach from the first to the last");
	return tap_end();
}
