#include "auth/auth.h"

#include "auth_fixture.h"

#define PLAYS_AN_HOUR 1000 /* of the fixture */
#define HOUR_MS       (INT64_C(60) * 60 * 1000)

static bool may_begin(uint64_t user_id, unsigned recording, int64_t now_ms)
{
	int64_t wait_ms = 0;
	char sid[SID_SIZE];
	bool may;

	snprintf(sid, sizeof(sid), "RE%032x", recording);
	may = auth_may_begin_play(auth, user_id, sid, now_ms, &wait_ms);
	if (!may)
		OK(wait_ms > 0, "who may not is told for how long");
	return may;
}

/* play_limit: so many recordings an hour, however often each is heard. */
static void test_play_limit(void)
{
	unsigned begun = 0, again = 0;

	for (unsigned i = 0; i < PLAYS_AN_HOUR; i++) {
		begun += may_begin(7, i, i);
		again += may_begin(7, i % 3, i); /* the same three, on and on */
	}
	IS_INT(begun, PLAYS_AN_HOUR, "so many recordings");
	IS_INT(again, PLAYS_AN_HOUR, "and what was begun, again and again");
	OK(!may_begin(7, 900000, PLAYS_AN_HOUR), "one more is too many");
	OK(!may_begin(7, 900000, PLAYS_AN_HOUR), "and being refused does not begin it");
	OK(may_begin(7, 1, PLAYS_AN_HOUR), "what was begun goes on");
	OK(may_begin(8, 900000, PLAYS_AN_HOUR), "another user has a limit of their own");
	OK(may_begin(0, 900001, PLAYS_AN_HOUR), "a link, or nobody in particular, has none");
	OK(may_begin(7, 900000, PLAYS_AN_HOUR + HOUR_MS), "an hour later there is room");
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	test_play_limit();
	fixture_close();
	return tap_end();
}
