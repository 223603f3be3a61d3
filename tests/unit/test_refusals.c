#include "audit/refusals.h"

#include "auth_fixture.h"

static struct refusals *refusals;
static struct refusal_entry out[2 * REFUSALS_MAX];

static struct refusal of(enum refusal_kind kind, const char *credential, const char *address)
{
	struct refusal refusal = { .kind = kind, .what = "forbidden", .route = "/api/users" };

	str_fit(str_of(credential), refusal.credential, sizeof(refusal.credential));
	str_fit(str_of(address), refusal.address, sizeof(refusal.address));
	return refusal;
}

static void add(const char *credential, const char *address, int64_t now_ms)
{
	struct refusal refusal = of(REFUSAL_FORBIDDEN, credential, address);

	refusals_add(refusals, &refusal, now_ms);
}

static size_t take(int64_t now_ms)
{
	return refusals_take(refusals, now_ms, out, ARRAY_LEN(out));
}

static void test_minutes(void)
{
	refusals = refusals_new();
	add("aaaaaaaa", "203.0.113.1", 1000);
	IS_INT(take(1000), 1, "the first is told at once");
	IS_INT(out[0].count, 1, "as one");
	for (int i = 0; i < 500; i++)
		add("aaaaaaaa", "203.0.113.2", 2000 + i);
	IS_INT(take(1000 + REFUSALS_MINUTE_MS - 1), 0, "then nothing for a minute");
	IS_INT(take(1000 + REFUSALS_MINUTE_MS), 1, "then one more entry");
	IS_INT(out[0].count, 500, "that counts them");
	IS_STR(str_of(out[0].first.address), STR("203.0.113.2"), "of the first of them");
	IS_INT(take(1000 + 2 * REFUSALS_MINUTE_MS), 0, "a minute of silence");
	add("aaaaaaaa", "203.0.113.1", 1001 + 2 * REFUSALS_MINUTE_MS);
	IS_INT(take(1001 + 2 * REFUSALS_MINUTE_MS), 1, "and it is told at once again");
	add("aaaaaaaa", "203.0.113.1", 1002 + 2 * REFUSALS_MINUTE_MS);
	IS_INT(take(INT64_MAX), 1, "at the end all are told");
	refusals_free(refusals);
}

static void test_apart(void)
{
	struct refusal throttled = of(REFUSAL_THROTTLED, "aaaaaaaa", "203.0.113.1");
	struct refusal user = of(REFUSAL_FORBIDDEN, "", "203.0.113.1");

	refusals = refusals_new();
	add("aaaaaaaa", "203.0.113.1", 0);
	add("aaaaaaaa", "203.0.113.9", 0);
	add("bbbbbbbb", "203.0.113.1", 0);
	add("", "203.0.113.1", 0);
	add("", "203.0.113.2", 0);
	add("", "2001:db8:7:8::1", 0);
	add("", "2001:db8:7:8::2", 0);
	refusals_add(refusals, &throttled, 0);
	throttled.what = "plays";
	refusals_add(refusals, &throttled, 0);
	user.user_id = 7;
	refusals_add(refusals, &user, 0);
	IS_INT(take(0), 8, "two credentials, three networks, two limits, one user");
	refusals_free(refusals);
}

static void test_full(void)
{
	size_t count;

	refusals = refusals_new();
	for (int i = 0; i < 100000; i++) {
		char address[24];

		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		add("", address, 0);
	}
	count = take(0);
	IS_INT(count, REFUSALS_MAX + 1, "a hundred thousand networks are so many entries");
	IS_INT(out[count - 1].count, 100000 - REFUSALS_MAX, "the others are counted together");
	OK(!out[count - 1].first.what && out[count - 1].first.address[0] == '\0',
	   "in the name of none of them");
	refusals_free(refusals);
}

/* ---- into the audit ---- */

struct audit_job {
	struct ledger_job job;
	struct refusal_entry entry;
};

static bool run_audit(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return refusals_write(&auth->audit, catalog,
			      &container_of(job, struct audit_job, job)->entry, cause);
}

static struct str body_of(const struct refusal *refusal)
{
	struct audit_job job = { .job = { .run = run_audit }, .entry = { *refusal, 12 } };

	OK(write_job(&job.job), "it is written");
	return sql_text("SELECT kind || ' ' || COALESCE(credential, '-') || ' ' || network || ' ' "
			"|| body FROM audit ORDER BY chain DESC, seq DESC LIMIT 1");
}

static void test_audit(void)
{
	struct refusal refusal = of(REFUSAL_FORBIDDEN, "aaaaaaaa", "203.0.113.9");
	struct refusal none = { .kind = REFUSAL_FORBIDDEN };
	struct str body;

	IS_STR(body_of(&refusal),
	       STR("refused aaaaaaaa 203.0.113.0 "
		   "{\"code\":\"forbidden\",\"route\":\"/api/users\",\"count\":12}"),
	       "who may not");
	refusal = of(REFUSAL_THROTTLED, "", "203.0.113.9");
	refusal.what = "account";
	str_fit(STR("dana"), refusal.name, sizeof(refusal.name));
	IS_STR(body_of(&refusal),
	       STR("throttled - 203.0.113.0 {\"limit\":\"account\",\"route\":\"/api/users\","
		   "\"name\":\"dana\",\"count\":12}"),
	       "who tries too often");
	memset(refusal.name, '<', sizeof(refusal.name) - 1);
	body = body_of(&refusal);
	OK(str_ends(body, STR("\"count\":12}")), "of the longest name, too: %.*s", STR_ARG(body));
	str_fit(STR("203.0.113.9"), none.address, sizeof(none.address));
	IS_STR(body_of(&none), STR("refused - 203.0.113.0 {\"code\":\"others\",\"count\":12}"),
	       "those that were counted together");
}

int main(void)
{
	fixture_open(AUTH_PASSWORD);
	test_minutes();
	test_apart();
	test_full();
	test_audit();
	fixture_close();
	return tap_end();
}
