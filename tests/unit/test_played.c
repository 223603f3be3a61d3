#include "auth/played.h"

#include "base/clock.h"
#include "tap.h"

#include <sodium.h>
#include <stdio.h>

#define A "RE0000000000000000000000000000000a"
#define B "RE0000000000000000000000000000000b"

static void test_hour(void)
{
	struct played *played = played_new();

	OK(!played_lately(played, 1, A, 0), "what nobody began");
	played_add(played, 1, A, 0);
	OK(played_lately(played, 1, A, 0), "who began it has it");
	OK(!played_lately(played, 1, B, 0), "not another recording");
	OK(!played_lately(played, 2, A, 0), "nor another user");
	OK(played_lately(played, 1, A, PLAYED_MS - 1), "for an hour");
	OK(!played_lately(played, 1, A, PLAYED_MS), "and no longer");
	played_add(played, 1, A, PLAYED_MS);
	OK(played_lately(played, 1, A, 2 * PLAYED_MS - 1), "from its last beginning");
	played_free(played);
}

/* More recordings than there is room for: the latest are there, and few of the earliest. */
static void test_full(void)
{
	enum { MANY = 100000, LATEST = 500 };
	struct played *played = played_new();
	unsigned early = 0, late = 0;
	char sid[40];

	for (int i = 0; i < MANY; i++) {
		snprintf(sid, sizeof(sid), "RE%032x", (unsigned)i);
		played_add(played, 7, sid, i);
	}
	for (int i = 0; i < LATEST; i++) {
		snprintf(sid, sizeof(sid), "RE%032x", (unsigned)i);
		early += played_lately(played, 7, sid, MANY);
		snprintf(sid, sizeof(sid), "RE%032x", (unsigned)(MANY - 1 - i));
		late += played_lately(played, 7, sid, MANY);
	}
	IS_INT(early, 0, "the oldest went");
	IS_INT(late, LATEST, "the latest are known");
	played_free(played);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	test_hour();
	test_full();
	return tap_end();
}
