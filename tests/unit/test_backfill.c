#include "rest/backfill.h"

#include "chores/imports.h"
#include "chores/reconciliations.h"
#include "flights_fixture.h"

#define DAY_MS   INT64_C(86400000)
#define RETRY_MS 5000 /* after a failure */
#define LIST     API "/Recordings.json?PageSize=1000"
#define NEXT     API "/Recordings.json?Page=1"
#define THIRD    API "/Recordings.json?Page=2"
#define HEAD     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static struct backfill *backfill;

/* ---- what is asked beside what is under way: pure ---- */

static void test_merge(void)
{
	static const struct {
		struct import row, asked;
		enum backfill_merge merge;
		int64_t since_ms, before_ms;
		const char *name;
	} cases[] = {
		{ { .since_ms = 0 },
		  { .since_ms = 5, .before_ms = 9 },
		  BACKFILL_BEGINS,
		  5,
		  9,
		  "nothing is" },
		{ { .asked_at_ms = 1, .since_ms = 5, .before_ms = 9 },
		  { .since_ms = 5, .before_ms = 9 },
		  BACKFILL_GOES_ON,
		  0,
		  0,
		  "the same" },
		{ { .asked_at_ms = 1, .since_ms = 3 },
		  { .since_ms = 5, .before_ms = 9 },
		  BACKFILL_GOES_ON,
		  0,
		  0,
		  "more" },
		{ { .asked_at_ms = 1, .since_ms = 0 },
		  { .since_ms = 0 },
		  BACKFILL_GOES_ON,
		  0,
		  0,
		  "all" },
		{ { .asked_at_ms = 1, .since_ms = 5, .before_ms = 9 },
		  { .since_ms = 5 },
		  BACKFILL_BEGINS,
		  5,
		  0,
		  "less at the end" },
		{ { .asked_at_ms = 1, .since_ms = 5 },
		  { .since_ms = 3, .before_ms = 9 },
		  BACKFILL_BEGINS,
		  3,
		  0,
		  "less at the beginning" },
		{ { .asked_at_ms = 1, .since_ms = 5, .before_ms = 6 },
		  { .since_ms = 8, .before_ms = 9 },
		  BACKFILL_BEGINS,
		  5,
		  9,
		  "another: both" },
		{ { .asked_at_ms = 1, .completed_at_ms = 2, .since_ms = 3 },
		  { .since_ms = 5, .before_ms = 9 },
		  BACKFILL_BEGINS,
		  5,
		  9,
		  "completed: anew" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import out = { .since_ms = 0 };

		IS_INT(backfill_merge(&cases[i].row, &cases[i].asked, &out), cases[i].merge,
		       "under way is %s", cases[i].name);
		OK(out.since_ms == cases[i].since_ms && out.before_ms == cases[i].before_ms,
		   "%s: from %d to %d", cases[i].name, (int)out.since_ms, (int)out.before_ms);
	}
}

/* ---- reading ---- */

static struct import row_now(void)
{
	struct import row = { .since_ms = 0 };

	must(catalog_begin(reader, &err) && imports_find(reader, STR(ACCOUNT), &row, &err));
	catalog_rollback(reader);
	return row;
}

static bool run_set(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return imports_set(catalog, fixture_write.what, why);
}

static bool run_set_reconciled(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return reconciliations_set(catalog, fixture_write.what, why);
}

static bool is_completed(void)
{
	return row_now().completed_at_ms != 0;
}

static bool has_failed(void)
{
	return row_now().failure[0] != '\0';
}

static void page(struct buf *buf, int number, int age_days, const char *rows, const char *next)
{
	char date[32];

	clock_rfc2822_date(clock_wall_ms() - age_days * DAY_MS, date);
	buf_init(buf, 8192);
	buf_addf(
		buf,
		HEAD
		"{\"recordings\":[%s{\"sid\":\"RE%032d\",\"call_sid\":\"CA%032d\",\"account_sid\":\"" ACCOUNT
		"\",\"status\":\"absent\",\"date_created\":\"%s\",\"duration\":\"7\"}],",
		rows, number, number, date);
	buf_addf(buf, "\"next_page_uri\":%s%s%s}", next ? "\"" : "", next ? next : "null",
		 next ? "\"" : "");
	buf_add_byte(buf, '\0');
}

static void begin(const struct import *asked)
{
	write_now(run_set, asked);
	backfill_wake(backfill);
}

static void end(void)
{
	backfill_free(backfill);
}

/* But for what the test takes; dates have seconds. */
static bool is_days_ago(int64_t at_ms, int64_t days)
{
	int64_t off_ms = clock_wall_ms() - days * DAY_MS - at_ms;

	return off_ms >= 0 && off_ms < DAY_MS / 2;
}

/* The second page fails; the next process begins with it, and not with the first. */
static void test_resumed(void)
{
	const struct import asked = { .account_sid = ACCOUNT, .asked_at_ms = 1 };
	const struct reconciliation complete = { .account_sid = ACCOUNT,
						 .since_ms = clock_wall_ms(),
						 .completed_at_ms = 1 };
	AUTO(buf_release) struct buf first = { 0 }, second = { 0 }, third = { 0 };
	struct answer answers[] = { { LIST, NULL, THEN_CLOSE },
				    { NEXT, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
				      THEN_CLOSE },
				    { THIRD, NULL, THEN_CLOSE } };
	struct reconciliation after = { .since_ms = -1 };
	struct import row;

	page(&first, 1, 2, "{\"sid\":\"nonsense\"},", NEXT);
	page(&second, 2, 20, "", THIRD);
	page(&third, 3, 60, "", NULL);
	answers[0].raw = first.at;
	answers[2].raw = third.at;
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	write_now(run_set_reconciled, &complete);
	begin(&asked);
	until(has_failed);
	row = row_now();
	OK(row.listed == 1 && row.found == 1 && row.malformed == 1 && row.completed_at_ms == 0,
	   "a page is read, but for a row that is none; the next fails: %s", row.failure);
	OK(is_days_ago(row.reached_ms, 2), "down to the day of its last row");

	answers[1].raw = second.at;
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	backfill_change(backfill, 10 * DAY_MS);
	backfill_wake(backfill); /* which looks into the ledger, as a start does */
	until(is_completed);
	backfill_change(backfill, 30 * DAY_MS);
	row = row_now();
	IS_INT(server.requests, 2, "it goes on with the page that failed");
	OK(row.listed == 3 && row.found == 3 && row.too_old == 2 && row.failure[0] == '\0',
	   "all three are counted once, two are too old by the rules that came meanwhile");
	must(catalog_begin(reader, &err) &&
	     reconciliations_find(reader, STR(ACCOUNT), &after, &err));
	catalog_rollback(reader);
	IS_INT(after.since_ms, 0, "and all is here that there ever was");
	OK(is_days_ago(row.reached_ms, 60), "down to the first day");
}

/* A place that Twilio does not know any more: from its day on, anew. */
static void test_place_gone(void)
{
	struct import asked = { .account_sid = ACCOUNT,
				.asked_at_ms = 2,
				.reached_ms = clock_wall_ms() - 3 * DAY_MS };
	AUTO(buf_release) struct buf first = { 0 };
	char path[256], day[ISO_DATE_SIZE];
	struct answer answers[] = {
		{ NEXT, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE },
		{ path, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", THEN_CLOSE }
	};

	snprintf(asked.next_url, sizeof(asked.next_url), "%s" NEXT, account.api_url);
	clock_iso_date(asked.reached_ms, day);
	snprintf(path, sizeof(path), LIST "&DateCreated%%3C=%.10s", day);
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	begin(&asked);
	until(has_failed); /* and fails on, however late that is seen */
	IS_STR(str_of(row_now().next_url), STR(""), "its address is forgotten");
	page(&first, 4, 4, "", NULL);
	answers[1].raw = first.at;
	server_answers(answers, ARRAY_LEN(answers));
	backfill_wake(backfill);
	until(is_completed);
	IS_INT(row_now().listed, 1, "and its day is read");
}

static bool is_over(void)
{
	return is_completed() || has_failed();
}

/* The API's address was changed meanwhile: credentials go to that of today alone, so the place is of no use. */
static void test_place_elsewhere(void)
{
	AUTO(free) char *longer = xasprintf("%s0" NEXT, account.api_url);
	const struct {
		const char *name, *url;
	} places[] = { { "another host", "http://127.0.0.2:1" NEXT },
		       { "another port that begins alike", longer } };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct import asked = { .account_sid = ACCOUNT,
					.asked_at_ms = 7 + (int64_t)i,
					.reached_ms = clock_wall_ms() - 3 * DAY_MS };
		AUTO(buf_release) struct buf first = { 0 };
		char path[256], day[ISO_DATE_SIZE];
		struct answer answer = { path, NULL, THEN_CLOSE };

		snprintf(asked.next_url, sizeof(asked.next_url), "%s", places[i].url);
		clock_iso_date(asked.reached_ms, day);
		snprintf(path, sizeof(path), LIST "&DateCreated%%3C=%.10s", day);
		page(&first, 6 + (int)i, 4, "", NULL);
		answer.raw = first.at;
		server_forget(&server);
		server_answers(&answer, 1);
		begin(&asked);
		until(is_over);
		IS_STR(str_of(row_now().failure), STR(""), "a place on %s: its day is read here",
		       places[i].name);
		IS_INT(row_now().listed, 1, "and what is listed there");
		IS_INT(server.requests, 1, "by one request");
	}
}

/* Asked for while another is read: that one gives way, and writes nothing over it. */
static const struct import other = { .account_sid = ACCOUNT, .asked_at_ms = 4, .since_ms = DAY_MS };
static struct ledger_job asking;

static bool run_ask(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return imports_set(catalog, &other, why);
}

static void has_asked(struct ledger_job *job)
{
	backfill_wake(backfill);
}

/* The first page is sent, and not read yet.  (A connection of before may close now, too.) */
static void ask_meanwhile(void)
{
	if (server.requests == 0)
		return;
	asking = (struct ledger_job){ .run = run_ask, .done = has_asked, .reply = env.mailbox };
	ledger_write(env.ledger, &asking);
	server.noticed = NULL;
}

static void test_asked_meanwhile(void)
{
	const struct import asked = { .account_sid = ACCOUNT, .asked_at_ms = 3 };
	AUTO(buf_release) struct buf first = { 0 };
	struct answer answers[] = { { LIST, NULL, THEN_CLOSE },
				    { LIST "&DateCreated%3E=1970-01-02", NULL, THEN_CLOSE } };

	page(&first, 5, 1, "", NULL);
	answers[0].raw = answers[1].raw = first.at;
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	server.noticed = ask_meanwhile;
	begin(&asked);
	until(is_completed);
	OK(row_now().asked_at_ms == 4 && row_now().since_ms == DAY_MS,
	   "what was asked later is read, too");
	IS_INT(row_now().listed, 1, "from its beginning");
	IS_INT(server.requests, 2, "by a request of its own");
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return true;
}

/* Whoever wakes it has it look once: what fails then waits for its turn like anything else that has failed. */
static void test_failed_waits(void)
{
	const struct import asked = { .account_sid = ACCOUNT, .asked_at_ms = 5 };
	const struct answer answers[] = { { LIST, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
					    THEN_CLOSE } };
	int64_t began_ms;

	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	begin(&asked);
	began_ms = clock_monotonic_ms();
	until(has_failed);
	for (int i = 0; i < 5; i++)
		write_now(run_nothing, NULL);
	OK(server.requests == 1 || clock_monotonic_ms() - began_ms > RETRY_MS,
	   "what fails is not asked for again at once: %d requests", server.requests);
}

/* The same where its very first look fails. */
static void test_first_fails(void)
{
	const struct import asked = { .account_sid = ACCOUNT, .asked_at_ms = 6 };
	const struct answer answers[] = { { LIST, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
					    THEN_CLOSE } };
	int64_t began_ms;

	backfill_free(backfill);
	write_now(run_set, &asked);
	server_forget(&server);
	server_answers(answers, ARRAY_LEN(answers));
	began_ms = clock_monotonic_ms();
	backfill = backfill_start(&rest_env, 30 * DAY_MS);
	until(has_failed);
	for (int i = 0; i < 20; i++)
		write_now(run_nothing, NULL);
	OK(server.requests == 1 || clock_monotonic_ms() - began_ms > RETRY_MS,
	   "nor is what fails as it starts: %d requests", server.requests);
}

static void test_none(void)
{
	static const struct accounts none = { .count = 0 };
	struct rest_env without = { .accounts = &none };

	backfill = backfill_start(&without, 30 * DAY_MS);
	OK(!backfill, "where no account may be asked nothing is begun");
	backfill_free(backfill);
	OK(true, "and freeing that does nothing");
}

int main(void)
{
	test_merge();
	test_none();
	fixture_start();
	backfill = backfill_start(&rest_env, 30 * DAY_MS);
	test_resumed();
	test_place_gone();
	test_place_elsewhere();
	test_asked_meanwhile();
	test_failed_waits();
	test_first_fails();
	fixture_stop(end);
	return tap_end();
}
