#include "auth/throttle.h"

#include "tap.h"

#include <stdio.h>

static unsigned take_all(struct throttle *throttle, enum throttle_rule rule, const char *key,
			 int64_t now_ms)
{
	unsigned taken = 0;
	int64_t wait_ms;

	while (taken < 10000 && throttle_take(throttle, rule, str_of(key), now_ms, &wait_ms))
		taken++;
	return taken;
}

static void test_rules(void)
{
	static const struct {
		enum throttle_rule rule;
		unsigned burst;
		int64_t interval_ms;
		const char *name;
	} cases[] = {
		{ THROTTLE_NETWORK, 20, 10000, "a network" },
		{ THROTTLE_NETWORK_WIDE, 160, 1250, "a wide network" },
		{ THROTTLE_ACCOUNT, 10, 60000, "an account" },
		{ THROTTLE_ACCOUNT_DEVICE, 10, 30000, "a known browser" },
		{ THROTTLE_UNKNOWN, 30, 2000, "unknown credentials" },
		{ THROTTLE_LINK, 60, 5000, "openings of a link" },
		{ THROTTLE_LINK_WIDE, 480, 625, "... of a wide network" },
		{ THROTTLE_MISSING_SID, 60, 1000, "SIDs that are not there" },
		{ THROTTLE_PLAYS, 1000, 3600, "plays of a user" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct throttle *throttle = throttle_new(1000);
		int64_t now_ms = 1000000, wait_ms = 0;

		IS_INT(throttle_left(throttle, cases[i].rule, STR("a"), now_ms), cases[i].burst,
		       "%s: all are left", cases[i].name);
		IS_INT(take_all(throttle, cases[i].rule, "a", now_ms), cases[i].burst,
		       "%s: the burst", cases[i].name);
		IS_INT(throttle_left(throttle, cases[i].rule, STR("a"), now_ms), 0,
		       "%s: none is left", cases[i].name);
		OK(!throttle_take(throttle, cases[i].rule, STR("a"), now_ms, &wait_ms),
		   "%s: then none", cases[i].name);
		IS_INT(wait_ms, cases[i].interval_ms, "%s: until one comes back", cases[i].name);
		OK(!throttle_allows(throttle, cases[i].rule, STR("a"), now_ms + wait_ms - 1,
				    &wait_ms),
		   "%s: not a millisecond before", cases[i].name);
		OK(throttle_allows(throttle, cases[i].rule, STR("a"), now_ms + cases[i].interval_ms,
				   &wait_ms),
		   "%s: looking takes nothing", cases[i].name);
		IS_INT(throttle_left(throttle, cases[i].rule, STR("a"),
				     now_ms + cases[i].interval_ms),
		       1, "%s: one is left again", cases[i].name);
		IS_INT(take_all(throttle, cases[i].rule, "a", now_ms + cases[i].interval_ms), 1,
		       "%s: then one", cases[i].name);
		IS_INT(take_all(throttle, cases[i].rule, "b", now_ms), cases[i].burst,
		       "%s: another key has its own", cases[i].name);
		IS_INT(take_all(throttle, cases[i].rule, "a", now_ms + INT64_C(86400000)),
		       cases[i].burst, "%s: never more than the burst", cases[i].name);
		throttle_free(throttle);
	}
}

static void test_giving_back(void)
{
	struct throttle *throttle = throttle_new(1000);
	int64_t wait_ms;

	for (unsigned i = 0; i < 1000; i++) {
		if (!throttle_take(throttle, THROTTLE_ACCOUNT, STR("a"), 5000, &wait_ms))
			break;
		throttle_give_back(throttle, THROTTLE_ACCOUNT, STR("a"), 5000);
	}
	IS_INT(take_all(throttle, THROTTLE_ACCOUNT, "a", 5000), 10, "who succeeds loses nothing");
	throttle_give_back(throttle, THROTTLE_ACCOUNT, STR("nobody"), 5000);
	IS_INT(take_all(throttle, THROTTLE_ACCOUNT, "nobody", 5000), 10,
	       "nor gains who took nothing");
	IS_INT(take_all(throttle, THROTTLE_NETWORK, "a", 5000), 20, "rules are tables apart");
	IS_INT(take_all(throttle, THROTTLE_ACCOUNT, "a", 4000), 0,
	       "a clock that goes back gives nothing");
	throttle_free(throttle);
}

/* A million fresh keys do not wash out those that are over their limit. */
static void test_flood(void)
{
	struct throttle *throttle = throttle_new(1000);
	unsigned let_through = 0;
	int64_t wait_ms;

	for (unsigned guilty = 0; guilty < 50; guilty++) {
		char key[32];

		snprintf(key, sizeof(key), "guilty %u", guilty);
		take_all(throttle, THROTTLE_NETWORK, key, 1000);
	}
	for (unsigned fresh = 0; fresh < 1000000; fresh++) {
		char key[32];

		snprintf(key, sizeof(key), "fresh %u", fresh);
		if (!throttle_take(throttle, THROTTLE_NETWORK, str_of(key), 1000, &wait_ms))
			break;
	}
	for (unsigned guilty = 0; guilty < 50; guilty++) {
		char key[32];

		snprintf(key, sizeof(key), "guilty %u", guilty);
		if (throttle_allows(throttle, THROTTLE_NETWORK, str_of(key), 1000, &wait_ms))
			let_through++;
	}
	IS_INT(let_through, 0, "nobody who was over the limit is let in after a million others");
	throttle_free(throttle);
}

/* SIGHUP. */
static void test_change(void)
{
	struct throttle *throttle = throttle_new(2);
	int64_t wait_ms = 0;

	IS_INT(take_all(throttle, THROTTLE_PLAYS, "a", 1000000), 2, "two plays an hour");
	throttle_set_plays(throttle, 3);
	IS_INT(take_all(throttle, THROTTLE_PLAYS, "b", 1000000), 3, "three from now on");
	throttle_set_plays(throttle, 1);
	OK(!throttle_take(throttle, THROTTLE_PLAYS, STR("b"), 1000000, &wait_ms) && wait_ms > 0,
	   "who has had more waits: %lld ms", (long long)wait_ms);
	IS_INT(take_all(throttle, THROTTLE_PLAYS, "c", 1000000), 1, "all others have one");
	throttle_free(throttle);
}

int main(void)
{
	test_rules();
	test_giving_back();
	test_flood();
	test_change();
	return tap_end();
}
