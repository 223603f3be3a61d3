#include "live/live_changes.h"

#include "tap.h"

#include <stdio.h>

static void add(struct live_changes *changes, unsigned what, const char *call,
		const char *recording, int64_t sequence)
{
	struct projection_change change = { .what = what };

	snprintf(change.call_sid, SID_SIZE, "%s", call);
	snprintf(change.recording_sid, SID_SIZE, "%s", recording);
	live_changes_add(changes, &change, sequence);
}

static const struct live_change *nth(const struct live_changes *changes, unsigned n)
{
	LIST_EACH (item, &changes->list)
		if (n-- == 0)
			return container_of(item, struct live_change, link);
	return NULL;
}

static void test_each_once(void)
{
	AUTO(live_changes_free) struct live_changes *changes = live_changes_new();

	OK(live_changes_is_empty(changes), "nothing has changed");
	add(changes, PROJECTED_CALL, "CA1", "", 5);
	add(changes, PROJECTED_CALL, "CA2", "", 6);
	add(changes, PROJECTED_RECORDING, "CA1", "RE1", 7);
	IS_INT(changes->count, 2, "each call once");
	OK(str_eq(str_of(nth(changes, 0)->sid), STR("CA2")) &&
		   str_eq(str_of(nth(changes, 1)->sid), STR("CA1")),
	   "whoever changed last is last");
	IS_INT(nth(changes, 1)->what, PROJECTED_CALL | PROJECTED_RECORDING, "what of all changes");
	IS_INT(nth(changes, 1)->sequence, 7, "the commit of the last");
	add(changes, PROJECTED_RECORDING, "", "RE9", 8);
	OK(str_eq(str_of(nth(changes, 2)->sid), STR("RE9")), "a recording whose call is not told");
	add(changes, PROJECTED_CREDENTIAL, "", "", 9);
	add(changes, PROJECTED_RECORDING, "", "", 10);
	IS_INT(changes->count, 3, "what concerns no call is none of them");
	IS_INT(changes->sequence, 10, "and is known to have been");
}

static void test_too_many(void)
{
	AUTO(live_changes_free) struct live_changes *changes = live_changes_new();
	char sid[SID_SIZE];

	for (int i = 0; i < LIVE_CHANGES_MAX; i++) {
		snprintf(sid, sizeof(sid), "CA%d", i);
		add(changes, PROJECTED_CALL, sid, "", i);
		add(changes, PROJECTED_CALL, sid, "", i);
	}
	OK(changes->count == LIVE_CHANGES_MAX && changes->more == 0,
	   "as many as there is room for");
	add(changes, PROJECTED_CALL, "CAx", "", 1000);
	OK(changes->count == 0 && changes->more == LIVE_CHANGES_MAX + 1 &&
		   !live_changes_is_empty(changes),
	   "one more: they are counted alone");
	add(changes, PROJECTED_CALL, "CAx", "", 1001);
	OK(changes->count == 0 && changes->more == LIVE_CHANGES_MAX + 2 &&
		   changes->sequence == 1001,
	   "and so are the next");
}

int main(void)
{
	test_each_once();
	test_too_many();
	return tap_end();
}
