#include "catalog/recordings_queue.h"

#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "ledger_fixture.h"
#include "tap.h"
#include "test_plan.h"

#define NOON 1700000000000

static struct err err;
static struct ledger ledger;
static struct queue_row rows[QUEUE_CLAIM_MAX];

/* What Twilio tells of recording n at NOON + at_ms: it is due from then on. */
static void plant(unsigned n, const char *account_sid, bool is_listed, int64_t at_ms)
{
	struct event event;
	struct projection_result result;
	char sid[SID_SIZE], call_sid[SID_SIZE];

	event_init(&event, is_listed ? EVENT_RECORDING_LISTED : EVENT_RECORDING_STATUS,
		   NOON + at_ms);
	event.recording_sid = sid_text("RE", n, sid);
	event.call_sid = sid_text("CA", n, call_sid);
	event.account_sid = *account_sid ? str_of(account_sid) : STR_NONE;
	event.status = STR("completed");
	event.started_at_ms = NOON - 1000 * n;
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
}

static void expire(unsigned n)
{
	char sid[SID_SIZE];

	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_expired(ledger.writer, sid_text("RE", n, sid), &err));
	MUST(catalog_commit(ledger.writer, &err));
}

/* The last digits of what is claimed: "1 2 7". */
static struct str claimed(const struct queue_claim *claim)
{
	static char text[512];
	size_t count, len = 0;

	text[0] = '\0';
	MUST(queue_claim(ledger.writer, claim, rows, &count, &err));
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c", len ? " " : "",
					rows[i].recording_sid[SID_SIZE - 2]);
	return str_of(text);
}

#define ALL .now_ms = NOON + 1000, .most = 20, .most_backfill = 20

static void test_claims(void)
{
	static const struct queue_share none_of_b[] = { { .account_sid = "ACb" } };
	static const struct queue_share few[] = {
		{ .account_sid = "ACa", .most = 2, .most_backfill = 1 },
		{ .account_sid = "ACb", .most = 5, .most_backfill = 1 },
		{ .account_sid = "", .most = 0 },
	};
	static const char skip[][SID_SIZE] = { "RE00000000000000000000000000000001",
					       "RE00000000000000000000000000000003",
					       "RE000000000000000000000000000000ff" };
	static const struct {
		struct queue_claim claim;
		const char *takes, *why;
	} cases[] = {
		{ { ALL },
		  "3 2 1 9 4 6 5 7 8",
		  "new ones by time, of all accounts; then backfill" },
		{ { .now_ms = NOON + 25, .most = 9, .most_backfill = 9 },
		  "3 2 1 6",
		  "what is due alone" },
		{ { .now_ms = NOON, .most = 9, .most_backfill = 9 }, "", "nothing is due yet" },
		{ { .now_ms = NOON + 1000, .most = 0 }, "", "no slot, no row" },
		{ { .now_ms = NOON + 1000, .most = 2, .most_backfill = 2 },
		  "3 2",
		  "as many as there are slots: the soonest of all accounts" },
		{ { .now_ms = NOON + 1000, .most = 7, .most_backfill = 1 },
		  "3 2 1 9 4 6",
		  "of backfill no more than its part" },
		{ { ALL, .shares = none_of_b, .share_count = 1 },
		  "2 1 9 6 5 8",
		  "an account that is paused: none of it" },
		{ { ALL, .shares = few, .share_count = ARRAY_LEN(few) },
		  "3 2 1 4 7 8",
		  "an account has no more than its share, backfill included" },
		{ { ALL, .skip = skip, .skip_count = ARRAY_LEN(skip) },
		  "2 9 4 6 5 7 8",
		  "what is at hand already is not claimed" },
		{ { .now_ms = NOON + 1000, .most = 1, .skip = skip, .skip_count = 3 },
		  "2",
		  "nor does it take the place of another" },
	};

	plant(1, "ACa", false, 20);
	plant(2, "ACa", false, 10);
	plant(3, "ACb", false, 5);
	plant(4, "ACb", false, 90);
	plant(5, "ACa", true, 50);
	plant(6, "ACa", true, 25);
	plant(7, "ACb", true, 60);
	plant(8, "ACc", true, 70);
	plant(9, "", false, 80);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(claimed(&cases[i].claim), str_of(cases[i].takes), "%s", cases[i].why);
	if (on_postgres())
		MUST(catalog_enlist(ledger.writer, &(struct member_place){ NULL }, &err));
	for (size_t i = 0; on_postgres() && i < ARRAY_LEN(cases); i++)
		IS_STR(claimed(&cases[i].claim), str_of(cases[i].takes),
		       "one of several claims the same: %s", cases[i].why);
	catalog_enlist_as(ledger.writer, 0, NULL);
	MUST(queue_claim(ledger.writer, &cases[0].claim, rows, &(size_t){ 0 }, &err));
	OK(strcmp(rows[0].account_sid, "ACb") == 0 && rows[0].call_sid[33] == '3' &&
		   rows[0].next_try_at_ms == NOON + 5 && rows[0].rank == RECORDING_RANK_NEW &&
		   rows[5].rank == RECORDING_RANK_BACKFILL,
	   "a row says whose it is, and since when it is due");
}

#define AT_HAND 30000

/* More than a server is told of by name: the recordings of test_claims() are behind all others that are at hand. */
static void test_many_at_hand(void)
{
	static const struct queue_share one_of_b[] = { { .account_sid = "ACb", .most = 1 } };
	static char skip[AT_HAND][SID_SIZE];
	const struct queue_claim all = { ALL, .skip = (const char(*)[SID_SIZE])skip,
					 .skip_count = AT_HAND },
				 some = { ALL, .skip = (const char(*)[SID_SIZE])skip,
					  .skip_count = AT_HAND, .shares = one_of_b,
					  .share_count = ARRAY_LEN(one_of_b) };

	for (unsigned n = 0; n < AT_HAND - 2; n++)
		sid_text("RD", n, skip[n]);
	sid_text("RE", 1, skip[AT_HAND - 2]);
	sid_text("RE", 3, skip[AT_HAND - 1]);
	if (on_postgres())
		MUST(catalog_enlist(ledger.writer, &(struct member_place){ NULL }, &err));
	IS_STR(claimed(&all), STR("2 9 4 6 5 7 8"), "of %d at hand none is claimed", AT_HAND);
	IS_STR(claimed(&some), STR("2 9 4 6 5 8"), "nor do they take the place of another");
	catalog_enlist_as(ledger.writer, 0, NULL);
}

static void test_next_due(void)
{
	int64_t at_ms;

	MUST(queue_next_due(ledger.writer, NOON + 20, &at_ms, &err));
	IS_INT(at_ms, NOON + 25, "the next instant, whatever the rank");
	MUST(queue_next_due(ledger.writer, NOON + 90, &at_ms, &err));
	IS_INT(at_ms, RECORDING_NEVER, "after the last one there is none");
}

static bool revive(unsigned n)
{
	char sid[SID_SIZE];
	bool revived;

	MUST(catalog_begin(ledger.writer, &err));
	revived = queue_revive(ledger.writer, sid_text("RE", n, sid), NOON + 2000, &err);
	if (revived)
		MUST(catalog_commit(ledger.writer, &err));
	else
		catalog_rollback(ledger.writer);
	return revived;
}

static void test_expired(void)
{
	struct queue_claim all = { .now_ms = NOON + 3000, .most = 20, .most_backfill = 20 };
	struct queue_expired page[2];
	struct catalog_counts counts;
	size_t count;

	expire(1);
	expire(2);
	expire(3);
	IS_STR(claimed(&all), STR("9 4 6 5 7 8"), "what has expired is never claimed");
	MUST(queue_expired(ledger.writer, 0, page, 2, &count, &err));
	OK(count == 2 && page[0].kept.started_at_ms == NOON - 1000, "but found, in pages");
	MUST(queue_expired(ledger.writer, page[1].id, page, 2, &count, &err));
	IS_INT(count, 1, "to the end");
	OK(revive(2), "kept longer, one is revived");
	IS_STR(claimed(&all), STR("9 4 6 5 7 8 2"), "as backfill, and the last of it");
	OK(!revive(2) && err.kind == ERR_CONFLICT, "once");
	MUST(catalog_counts(ledger.writer, &counts, &err));
	OK(counts.recordings[RECORDING_WAITING] == 2 && counts.recordings[RECORDING_QUEUED] == 7,
	   "the counters follow");
}

static void test_mend(void)
{
	struct queue_claim all = { .now_ms = NOON + 3000, .most = 20, .most_backfill = 20 };
	struct recording_wait wait = { .at_ms = NOON,
				       .next_try_at_ms = NOON + 3000 + 3600001,
				       .reason_code = "x" };
	char sid[SID_SIZE];
	int64_t mended;

	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_waiting(ledger.writer, sid_text("RE", 4, sid), &wait, &err));
	wait.next_try_at_ms--;
	MUST(recordings_mark_waiting(ledger.writer, sid_text("RE", 9, sid), &wait, &err));
	MUST(queue_mend(ledger.writer, NOON + 3000, 3600000, 10, &mended, &err));
	MUST(catalog_commit(ledger.writer, &err));
	IS_INT(mended, 1, "a wait longer than any that is ever set");
	IS_STR(claimed(&all), STR("4 6 5 7 8 2"), "is over; the longest that may be is not");
}

/* Among millions of rows, with 100,000 due, a claim must walk none but its own. */
static void test_plans(void)
{
	static const struct {
		const char *sql, *sqlite, *postgres;
	} cases[] = {
		{ queue_due_sql,
		  "USING INDEX recordings_by_turn (<expr>=? AND queue_rank=? AND "
		  "next_try_at_ms>? AND next_try_at_ms<?)",
		  "recordings_by_turn" },
		{ queue_next_account_sql, "USING INDEX recordings_by_turn (<expr>>?)",
		  "recordings_by_turn" },
		{ queue_next_due_sql,
		  "USING COVERING INDEX recordings_by_next_try (next_try_at_ms>?)",
		  "recordings_by_next_try" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str plan = plan_of(ledger.writer->db, cases[i].sql);

		OK(plan_has(plan, on_postgres() ? cases[i].postgres : cases[i].sqlite),
		   "by the index: %.*s", STR_ARG(str_first(plan, str_find(plan, '\n'))));
		OK(!plan_has(plan, "Sort") && !plan_has(plan, "TEMP B-TREE"),
		   "and nothing is sorted");
		if (on_postgres() && !plan_has(plan, cases[i].postgres))
			printf("# %.*s\n", STR_ARG(plan));
	}
}

/* ---- of several processes: what a claim reads ---- */

#define MANY   100000
#define FEW    5
#define LEASED 40 /* by another process, of those that are due first */

/* Due since NOON, as many of both ranks: of ACx far more than of ACy and ACz. */
static void plant_backlog(void)
{
	AUTO(free)
	char *sql = xasprintf(
		"DELETE FROM recordings; "
		"INSERT INTO recordings (id, recording_sid, account_sid, queue_rank, state, upstream, "
		"is_held, is_duration_off, channels_wanted, queued_at_ms, next_try_at_ms, tries, "
		"changed_seq) "
		"SELECT n, 'RE' || lpad(to_hex(n), 32, '0'), CASE WHEN n <= %d THEN 'ACx' "
		"WHEN n <= %d THEN 'ACy' ELSE 'ACz' END, n %% 2, %d, 3, 0, 0, 0, %lld, %lld + n, 0, n "
		"FROM generate_series(1, %d) AS n; "
		"INSERT INTO leases (recording_id, process_id, since_ms) "
		"SELECT n, 7, 0 FROM generate_series(1, %d) AS n; ANALYZE recordings; ANALYZE leases",
		MANY, MANY + 2 * FEW, RECORDING_QUEUED, (long long)NOON, (long long)NOON,
		MANY + 4 * FEW, LEASED);

	MUST(db_exec(ledger.writer->db, sql, &err));
}

static double number_behind(struct str line, const char *name)
{
	size_t at = str_find_str(line, str_of(name));

	return at < line.len ? strtod(line.at + at + strlen(name), NULL) : 0;
}

/* Rows of recordings that were looked at, whether they were wanted or not. */
static int rows_read(struct str plan)
{
	double looked_at = 0, loops = 0;
	struct str line;

	while (plan.len > 0 && str_cut(&plan, '\n', &line)) {
		bool is_scan = str_find_str(line, STR(" on recordings")) < line.len;

		if (str_find_str(line, STR("loops=")) < line.len)
			loops = is_scan ? number_behind(line, "loops=") : 0;
		if (is_scan && str_find_str(line, STR("Bitmap Index")) == line.len)
			looked_at += number_behind(line, "actual rows=") * loops;
		looked_at += number_behind(line, "Rows Removed by Filter: ") * loops;
	}
	return (int)looked_at;
}

/* As a process reads it: by a plan for what is bound, as the first ones are, or by one for whatever is bound, as they are later. */
static struct str plan_of_claim(struct db *db, const char *mode, const char *shares)
{
	AUTO(free) char *settings = xasprintf("SET plan_cache_mode = %s", mode);

	plan_exec(db, settings);
	return plan_told(db,
			 xasprintf("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "
				   "EXECUTE due (%lld, 32, 0, 16, '{ACx,ACy,ACz}', %s, '{}', 0)",
				   (long long)NOON + 2 * MANY, shares));
}

static void test_reads(void)
{
	static const struct {
		const char *shares, *why;
		int most;
	} cases[] = {
		{ "'{0,32,0}', '{0,16,0}'", "of accounts that are paused nothing", 2 * FEW },
		{ "'{1,32,0}', '{1,16,0}'",
		  "of one that is tried a row of each rank, behind those that others have",
		  2 * FEW + 2 + LEASED },
		{ "'{32,32,32}', '{16,16,16}'", "of a long one as much as there is room",
		  4 * FEW + 48 + LEASED },
		{ "'{32,32,32}', '{0,16,16}'", "and of backfill as much as that may have",
		  4 * FEW + 32 + LEASED / 2 },
	};
	static const char *const modes[] = { "force_custom_plan", "force_generic_plan" };
	static const int leaps = 5; /* from account to account, and to the end, where none is */
	AUTO(db_free) struct db *db = NULL;
	AUTO(free) char *prepare = xasprintf("PREPARE due AS %s", queue_due_shared_sql);

	plant_backlog();
	MUST(db_open(ledger.path, DB_QUICK, &db, &err));
	plan_exec(db, prepare);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t mode = 0; mode < ARRAY_LEN(modes); mode++) {
			struct str plan = plan_of_claim(db, modes[mode], cases[i].shares);
			int were = rows_read(plan);

			OK(were >= 2 * FEW && were <= cases[i].most + leaps, "%s: %d rows (%s)",
			   cases[i].why, were, modes[mode]);
			OK(plan_has(plan, "Index Scan using recordings_by_turn") &&
				   !plan_has(plan, "Scan on recordings "),
			   "by the index, in its order");
			if (were > cases[i].most + leaps)
				printf("# %.*s\n", STR_ARG(plan));
		}
}

/* What is listed, as soon as it is due; what is new is not of it. */
static void test_backfill_counted(void)
{
	static const struct {
		const char *name;
		int64_t at_ms, more;
	} cases[] = {
		{ "before it is due", 499, 0 },
		{ "when it is", 500, 1 },
		{ "later", 501, 1 },
	};
	int64_t before[ARRAY_LEN(cases)], counted;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		MUST(queue_count_backfill(ledger.writer, NOON + cases[i].at_ms, &before[i], &err));
	plant(500, "ACx", true, 500);
	plant(501, "ACx", false, 500);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		MUST(queue_count_backfill(ledger.writer, NOON + cases[i].at_ms, &counted, &err));
		IS_INT(counted - before[i], cases[i].more, "backfill, %s", cases[i].name);
	}
}

int main(void)
{
	ledger_open(&ledger);
	test_claims();
	test_many_at_hand();
	test_next_due();
	test_expired();
	test_mend();
	test_plans();
	test_backfill_counted();
	if (on_postgres())
		test_reads();
	ledger_remove(&ledger);
	return tap_end();
}
