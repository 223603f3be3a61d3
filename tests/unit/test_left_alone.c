#include "purge/left_alone.h"

#include "tap.h"

#include <stdio.h>

#define LEAST 1000
#define MOST  5000

static struct left_alone left_alone;

static bool failed(const char *sid, int64_t now_ms)
{
	return left_alone_failed(&left_alone, sid, now_ms, LEAST, MOST);
}

static void test_one(void)
{
	static const int64_t waits[] = { 1000, 2000, 4000, 5000, 5000 };
	int64_t now_ms = 7;

	left_alone = (struct left_alone){ 0 };
	OK(!left_alone_rests(&left_alone, "a", now_ms), "what is not known does not rest");
	OK(left_alone_next_ms(&left_alone, now_ms) == INT64_MAX, "and nothing is waited for");
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		OK(failed("a", now_ms) == (i == 0), "failure %zu: told as the first or not", i);
		IS_INT(left_alone_next_ms(&left_alone, now_ms), waits[i], "failure %zu: so long",
		       i);
		OK(left_alone_rests(&left_alone, "a", now_ms + waits[i] - 1) &&
			   !left_alone_rests(&left_alone, "a", now_ms + waits[i]),
		   "failure %zu: and no longer", i);
		now_ms += waits[i];
	}
	OK(!left_alone_rests(&left_alone, "b", now_ms - 1), "another goes on");
	left_alone_worked(&left_alone, "a");
	OK(failed("a", now_ms), "once it worked its failures are new");
	IS_INT(left_alone_next_ms(&left_alone, now_ms), LEAST, "and short");
	OK(!left_alone_failed(&left_alone, "a", now_ms, MOST, MOST),
	   "a longer rest may be asked for");
	IS_INT(left_alone_next_ms(&left_alone, now_ms), MOST, "it is taken at once");
}

static void test_too_many(void)
{
	char sid[SID_SIZE];
	unsigned resting = 0;

	left_alone = (struct left_alone){ 0 };
	for (unsigned n = 0; n < LEFT_ALONE_ROOM; n++) {
		snprintf(sid, sizeof(sid), "%u", n);
		failed(sid, n);
	}
	failed("more", 900);
	for (unsigned n = 0; n < LEFT_ALONE_ROOM; n++) {
		snprintf(sid, sizeof(sid), "%u", n);
		resting += left_alone_rests(&left_alone, sid, 900);
	}
	IS_INT(resting, LEFT_ALONE_ROOM - 1, "one of too many makes room");
	OK(!left_alone_rests(&left_alone, "0", 900) && left_alone_rests(&left_alone, "more", 900),
	   "the one that is due first");
}

int main(void)
{
	test_one();
	test_too_many();
	return tap_end();
}
