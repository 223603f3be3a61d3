#include "audit/audit_duty.h"

#include "audit/refusals.h"
#include "auth_fixture.h"

#include <stdatomic.h>

#define EACH_MS 20
#define DAY_MS  (INT64_C(24) * 3600 * 1000)

static struct audit_duty *duty;

/* What somebody vouches for may be behind the machine's clock; the ledger's thread asks. */
static atomic_bool is_doubted = true;
static atomic_llong behind_ms;
static atomic_int asked;
static int asked_before;

static bool vouched_now(struct vouched_clock *clock, int64_t *out_ms, struct err *cause)
{
	atomic_fetch_add(&asked, 1);
	if (is_doubted)
		return err_set(cause, ERR_UNAVAILABLE, "the clock is doubted");
	*out_ms = clock_wall_ms() - behind_ms;
	return true;
}

static int64_t count_of(const char *query)
{
	int64_t count = -1;

	(void)!str_to_i64(sql_text(query), &count);
	return count;
}

static bool has_three_heads(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'head'") >= 3;
}

static bool are_old_gone(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'old'") == 0;
}

static bool are_addresses_gone(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'later' AND address IS NOT "
			"NULL") == 0;
}

static bool are_credentials_gone(void)
{
	return count_of("SELECT COUNT(*) FROM credentials WHERE name LIKE 'old%'") == 0;
}

/* Entries of that kind, so long ago, before all others of this process. */
struct entries_job {
	struct ledger_job job;
	const char *kind;
	int64_t at_ms;
	int count;
};

static bool run_entries(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct entries_job *entries = container_of(job, struct entries_job, job);

	for (int i = 0; i < entries->count; i++) {
		struct audit_entry entry = { .chain = auth->audit.chain, .at_ms = entries->at_ms };

		str_fit(str_of(entries->kind), entry.kind, sizeof(entry.kind));
		str_fit(STR("203.0.113.9"), entry.address, sizeof(entry.address));
		if (!audit_chain_append(catalog, auth->audit.key, &entry, cause))
			return false;
	}
	return true;
}

static void add_entries(const char *kind, int64_t ago_ms, int count)
{
	struct entries_job entries = { .job = { .run = run_entries },
				       .kind = kind,
				       .at_ms = clock_wall_ms() - ago_ms,
				       .count = count };

	OK(write_job(&entries.job), "%d entries", count);
}

struct verify_job {
	struct ledger_job job;
	struct audit_report report;
};

static bool run_verify(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	return audit_verify(catalog, auth->audit.key, 1, NULL, 0,
			    &container_of(job, struct verify_job, job)->report, cause);
}

static void check_whole(void)
{
	struct verify_job verify = { .job = { .run = run_verify } };

	OK(write_job(&verify.job) && verify.report.is_whole, "the audit is whole: %s",
	   verify.report.fault);
}

static void test_each_hour(void)
{
	OK(until(has_three_heads), "a head goes into the chain each time");
	OK(count_of(
		   "SELECT COUNT(*) FROM audit WHERE kind = 'head' AND body LIKE '%\"mac\":\"%'") >=
		   3,
	   "with the heads of the chains");
	check_whole();
}

static bool is_asked_thrice(void)
{
	return asked >= asked_before + 3;
}

static void check_all_there(const char *when)
{
	asked_before = asked;
	OK(until(is_asked_thrice), "%s is looked at", when);
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'old' AND address IS NOT NULL"),
	       1200, "%s: no entry goes, nor an address", when);
	IS_INT(count_of("SELECT COUNT(*) FROM credentials WHERE name LIKE 'old%'"), 1200,
	       "%s: no credential goes", when);
}

/* 1,200 of each: more than one job takes. */
static void test_forgetting(void)
{
	add_entries("old", 10 * DAY_MS, 1200);
	/* Those of this start, and heads that came between: only what nothing younger precedes goes. */
	sql("UPDATE audit SET at_ms = 1 WHERE kind <> 'old'");
	add_entries("later", 2 * DAY_MS, 1200);
	add_entries("new", 0, 3);
	sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) INSERT "
	    "INTO credentials (id, kind, name, hash, rights, plays, plays_max, options, made_at_ms, "
	    "expires_at_ms, changed_seq) SELECT i + 900000, 3, 'old' || i, '', 1, 0, 0, 0, 1, "
	    "(strftime('%s') - 40 * 86400) * 1000, 1 FROM n");
	check_all_there("a clock that is doubted");
	behind_ms = 20 * DAY_MS;
	is_doubted = false;
	check_all_there("an earlier time that is vouched for");
	behind_ms = 0;
	OK(until(are_old_gone), "what is older than the retention goes");
	OK(until(are_addresses_gone), "then the addresses of what is younger");
	OK(until(are_credentials_gone), "and credentials that are long over");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'later'"), 1200,
	       "the entries themselves stay");
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'new' AND address IS NOT NULL"), 3,
	       "and the addresses of today");
	OK(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'audit_pruned'") >= 3,
	   "it was done in steps, and said");
}

static bool is_refusal_told(void)
{
	return count_of("SELECT COUNT(*) FROM audit WHERE kind = 'refused'") == 1;
}

static void test_refusals(void)
{
	struct refusal refusal = { .kind = REFUSAL_FORBIDDEN, .what = "forbidden", .route = "/" };

	for (int i = 0; i < 5; i++)
		refusals_add(auth->audit.refusals, &refusal, loop_now_ms(loop));
	OK(until(is_refusal_told), "what was refused is written soon");
	refusals_add(auth->audit.refusals, &refusal, loop_now_ms(loop));
}

int main(void)
{
	struct vouched_clock clock = { .now = vouched_now };

	fixture_open(AUTH_PASSWORD);
	auth->audit.options.retention_ms = 5 * DAY_MS;
	auth->audit.options.address_retention_ms = DAY_MS;
	duty = audit_duty_new(&auth->audit, &clock, loop, mailbox, EACH_MS);
	test_each_hour();
	test_forgetting();
	test_refusals();
	ledger_stop(ledger);
	mailbox_drain(mailbox);
	audit_duty_end(&auth->audit);
	IS_INT(count_of("SELECT COUNT(*) FROM audit WHERE kind = 'refused'"), 2,
	       "at the end, what is left of it");
	IS_STR(sql_text("SELECT kind FROM audit ORDER BY chain DESC, seq DESC LIMIT 1"),
	       STR("head"), "and the last head");
	audit_duty_free(duty);
	fixture_close();
	return tap_end();
}
