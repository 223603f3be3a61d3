#include "retention/retention.h"

#include "tap.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)
#define AC1    "AC11111111111111111111111111111111"
#define AC2    "AC22222222222222222222222222222222"
#define AC3    "AC33333333333333333333333333333333"

static struct err err;

/* ---- which rule ---- */

static void test_precedence(void)
{
	static const char *const accounts[] = { AC1 "=90d", AC1 ".inbound=1d",
						AC2 ".outbound=forever", NULL };
	static const struct retention_options options = {
		.general_ms = 7 * DAY_MS,
		.inbound_ms = 30 * DAY_MS,
		.grace_ms = DAY_MS,
		.accounts = accounts,
	};
	static const struct {
		const char *name, *account_sid;
		enum retention_way way;
		int64_t ms;
	} cases[] = {
		{ "no rule of the account nor the direction", AC3, RETENTION_OUTBOUND, 7 * DAY_MS },
		{ "one of the direction", AC3, RETENTION_INBOUND, 30 * DAY_MS },
		{ "direction not known: the longer", AC3, RETENTION_ANY_WAY, 30 * DAY_MS },
		{ "one of the account", AC1, RETENTION_OUTBOUND, 90 * DAY_MS },
		{ "one of the account's direction", AC1, RETENTION_INBOUND, DAY_MS },
		{ "the account's longer", AC1, RETENTION_ANY_WAY, 90 * DAY_MS },
		{ "the account says nothing of this direction", AC2, RETENTION_INBOUND,
		  30 * DAY_MS },
		{ "for ever", AC2, RETENTION_OUTBOUND, RETENTION_FOREVER },
		{ "account not known: the longest of all", "", RETENTION_OUTBOUND,
		  RETENTION_FOREVER },
		{ "account not known, of the direction", "", RETENTION_INBOUND, 30 * DAY_MS },
		{ "spelt otherwise", "ac11111111111111111111111111111111", RETENTION_INBOUND,
		  DAY_MS },
	};
	struct retention_rules rules;

	OK(retention_rules_make(&options, &rules, &err), "rules (%s)", err.text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(retention_ms(&rules, cases[i].account_sid, cases[i].way), cases[i].ms, "%s",
		       cases[i].name);
	IS_INT(retention_longest_ms(&rules), RETENTION_FOREVER, "the longest");
	IS_INT(retention_shortest_ms(&rules), DAY_MS, "the shortest");
}

static void test_refused(void)
{
	static const struct {
		const char *name, *words[3], *text;
	} cases[] = {
		{ "no SID", { "AC1=3d" }, "'AC1=3d': expected" },
		{ "no time", { AC1 "=" }, "expected" },
		{ "no such direction", { AC1 ".sideways=3d" }, "expected" },
		{ "nothing said", { AC1 }, "expected" },
		{ "too short", { AC1 "=5ms" }, "at least 1s" },
		{ "twice", { AC1 "=5d", AC1 "=6d" }, "already" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const words[] = { cases[i].words[0], cases[i].words[1], NULL };
		struct retention_options options = { .general_ms = DAY_MS, .accounts = words };
		struct retention_rules rules = { .grace_ms = 77 };

		OK(!retention_rules_make(&options, &rules, &err) && err.kind == ERR_INVALID &&
			   strstr(err.text, cases[i].text) && rules.grace_ms == 77,
		   "%s is refused (%s)", cases[i].name, err.text);
	}
}

/* ---- when ---- */

static void test_instants(void)
{
	static const struct {
		const char *name;
		int64_t retention_ms, grace_ms;
		struct kept kept;
		int64_t expires_at_ms, removed_at_ms;
	} cases[] = {
		{ "its start, the time, the grace",
		  1000,
		  50,
		  { .started_at_ms = 5000 },
		  6000,
		  6050 },
		{ "held: never",
		  1000,
		  50,
		  { .started_at_ms = 5000, .is_held = true },
		  RETENTION_NEVER,
		  RETENTION_NEVER },
		{ "no start known: never",
		  1000,
		  50,
		  { .started_at_ms = 0 },
		  RETENTION_NEVER,
		  RETENTION_NEVER },
		{ "kept for ever",
		  RETENTION_FOREVER,
		  50,
		  { .started_at_ms = 5000 },
		  RETENTION_NEVER,
		  RETENTION_NEVER },
		{ "a grace for ever: expires, and stays",
		  1000,
		  RETENTION_FOREVER,
		  { .started_at_ms = 5000 },
		  6000,
		  RETENTION_NEVER },
		{ "beyond what can be counted",
		  INT64_MAX - 1,
		  50,
		  { .started_at_ms = 5000 },
		  RETENTION_NEVER,
		  RETENTION_NEVER },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct retention_rules rules = retention_rules_of(cases[i].retention_ms);

		rules.grace_ms = cases[i].grace_ms;
		IS_INT(retention_expires_at_ms(&rules, &cases[i].kept), cases[i].expires_at_ms,
		       "%s: expires", cases[i].name);
		IS_INT(retention_removed_at_ms(&rules, &cases[i].kept), cases[i].removed_at_ms,
		       "%s: is removed", cases[i].name);
	}
	IS_INT(retention_edge_ms(5000, 1000), 4000, "the edge");
	IS_INT(retention_edge_ms(5000, 5000), 0, "of less time than there was");
	IS_INT(retention_edge_ms(5000, RETENTION_FOREVER), 0, "for ever has none");
}

/* ---- those in force ---- */

static void test_change(void)
{
	struct retention_rules rules = retention_rules_of(1000);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	const struct retention_rules *first = retention_now(retention);
	struct kept kept = { .started_at_ms = 5000 };

	OK(!retention_has_expired(retention, &kept, 6000), "at the limit it is played");
	OK(retention_has_expired(retention, &kept, 6001), "behind it, it is not");
	OK(!retention_is_over(retention, &kept, 6000), "at the limit it is not over");
	OK(retention_is_over(retention, &kept, 6001), "behind it, it is");
	retention_change(retention, &rules);
	OK(retention_now(retention) == first, "the same again changes nothing");
	rules = retention_rules_of(2000);
	rules.grace_ms = 10;
	retention_change(retention, &rules);
	OK(retention_has_expired(retention, &kept, 7010), "within its grace it is played no more");
	OK(!retention_is_over(retention, &kept, 7010), "longer: it is not over any more");
	IS_INT(first->general.ms[RETENTION_INBOUND], 1000, "who has the old ones reads them still");
	IS_INT(retention_kept_longest_ms(retention), 2010, "the longest, with its grace");
	OK(!retention_has_expired(NULL, &kept, INT64_MAX - 1),
	   "without rules nothing ever expires");
	OK(!retention_is_over(NULL, &kept, INT64_MAX - 1), "without rules nothing ever is");
}

int main(void)
{
	test_precedence();
	test_refused();
	test_instants();
	test_change();
	return tap_end();
}
