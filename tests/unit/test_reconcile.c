#include "rest/reconcile.h"

#include "base/log.h"
#include "catalog/catalog_sql.h"
#include "chores/reconciliations.h"
#include "flights_fixture.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define NOON_MS (20000 * DAY_MS + 12 * HOUR_MS)

static void test_plan(void)
{
	static const struct {
		const char *name;
		int64_t completed_at_ms, edge_ms, deep_at_ms, reach_ms, now_ms, since_ms;
		bool is_deep;
	} cases[] = {
		{ "the first", 0, 0, 0, 30 * DAY_MS, NOON_MS, NOON_MS - 30 * DAY_MS, true },
		{ "the first, of what is kept for ever", 0, 0, 0, INT64_MAX, NOON_MS, 0, true },
		{ "the next", 1, NOON_MS - HOUR_MS, NOON_MS - 9 * HOUR_MS, DAY_MS, NOON_MS,
		  NOON_MS - HOUR_MS, false },
		{ "after an outage of ten days", 1, NOON_MS - 10 * DAY_MS, NOON_MS - HOUR_MS,
		  DAY_MS, NOON_MS, NOON_MS - 10 * DAY_MS, false },
		{ "the night's", 1, NOON_MS - HOUR_MS, NOON_MS - 11 * HOUR_MS, DAY_MS, NOON_MS,
		  NOON_MS - 48 * HOUR_MS, true },
		{ "the night's after an outage", 1, NOON_MS - 10 * DAY_MS, NOON_MS - 10 * DAY_MS,
		  DAY_MS, NOON_MS, NOON_MS - 10 * DAY_MS, true },
		{ "before the night", 1, NOON_MS - 12 * HOUR_MS, NOON_MS - 30 * HOUR_MS, DAY_MS,
		  NOON_MS - 11 * HOUR_MS, NOON_MS - 12 * HOUR_MS, false },
		{ "an edge in the future", 1, NOON_MS + DAY_MS, NOON_MS + DAY_MS, DAY_MS, NOON_MS,
		  NOON_MS - DAY_MS, true },
		{ "a night's in the future", 1, NOON_MS - HOUR_MS, NOON_MS + DAY_MS, 3 * DAY_MS,
		  NOON_MS, NOON_MS - 3 * DAY_MS, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reconciliation last = { .completed_at_ms = cases[i].completed_at_ms,
					       .edge_ms = cases[i].edge_ms,
					       .deep_at_ms = cases[i].deep_at_ms };
		struct reconcile_plan plan =
			reconcile_plan(&last, cases[i].reach_ms, cases[i].now_ms);

		IS_INT(plan.since_ms, cases[i].since_ms, "%s: since", cases[i].name);
		IS_INT(plan.is_deep, cases[i].is_deep, "%s: deep", cases[i].name);
	}
}

/* ---- passes ---- */

static struct reconciliation row;

static void read_row(void)
{
	must(catalog_begin(reader, &err) && reconciliations_find(reader, STR(ACCOUNT), &row, &err));
	catalog_rollback(reader);
}

static int64_t before_ms;

static bool has_completed(void)
{
	read_row();
	return row.started_at_ms > before_ms;
}

static bool has_failed(void)
{
	read_row();
	return row.failing_since_ms > 0;
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return true;
}

static void (*beside)(void); /* as it is asked; NULL: nothing */

/* One pass or more, on a server that answers so. */
static void pass(const char *path, const char *raw, bool (*is_over)(void))
{
	struct answer answer = { path, raw, THEN_CLOSE };
	const struct reconcile_options options = { .interval_ms = HOUR_MS, .reach_ms = INT64_MAX };
	struct reconcile *reconcile;

	read_row();
	before_ms = row.started_at_ms;
	server_forget(&server);
	server_answers(&answer, 1);
	server.noticed = beside;
	reconcile = reconcile_start(&rest_env, &options);
	until(is_over);
	write_now(run_nothing, NULL); /* behind it: what it wrote has come back */
	reconcile_free(reconcile);
}

#define LIST      API "/Recordings.json?PageSize=1000"
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void test_edge(void)
{
	char raw[1024], path[256], date[32], day[ISO_DATE_SIZE];
	int64_t now_ms = clock_wall_ms();

	pass(LIST, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", has_failed);
	OK(str_find_str(str_of(row.failure), STR("401")) < strlen(row.failure), "told: %s",
	   row.failure);
	IS_INT(row.completed_at_ms, 0, "what fails is not complete");

	clock_rfc2822_date(now_ms - 5 * HOUR_MS, date);
	snprintf(raw, sizeof(raw),
		 JSON_HEAD "{\"recordings\":[{\"sid\":\"%s\",\"call_sid\":\"%s\","
			   "\"status\":\"in-progress\",\"date_created\":\"%s\"}]}",
		 RECORDING, CALL, date);
	pass(LIST, raw, has_completed);
	IS_INT(row.since_ms, 0, "complete since the beginning");
	IS_INT(row.edge_ms, (now_ms - 5 * HOUR_MS) / 1000 * 1000,
	       "the next one goes back to what had not ended");
	IS_INT(row.failing_since_ms, 0, "it does not fail any more");
	IS_INT(row.deep_at_ms, row.started_at_ms, "the first one is deep");
	OK(row.listed == 1 && row.found == 1, "what it listed is counted");

	clock_iso_date(row.edge_ms, day);
	snprintf(path, sizeof(path), LIST "&DateCreated%%3E=%.10s", day);
	pass(path, JSON_HEAD "{\"recordings\":[]}", has_completed);
	IS_INT(row.edge_ms, row.started_at_ms - HOUR_MS,
	       "all have ended: an hour before its start");
	IS_INT(row.since_ms, 0, "complete since the beginning still");
	OK(row.listed == 0 && row.found == 0, "nothing new");

	pass(path, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", has_failed);
	IS_INT(row.edge_ms, row.started_at_ms - HOUR_MS, "a failure does not move the edge");
}

/* In place of the log's (see meson.build). */
static unsigned warned;

void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...)
{
	warned++;
}

static void write_sql(const char *sql)
{
	AUTO(catalog_free) struct catalog *writer = NULL;

	must(catalog_open(fixture_path, CATALOG_WRITE, &writer, &err) &&
	     db_exec(catalog_db(writer), sql, &err));
}

static unsigned warnings;

static bool has_warned(void)
{
	return warned == warnings;
}

/* What is read of the list, and of the ledger: each is told, and tried again. */
static void test_told(void)
{
	static const struct {
		const char *name, *raw, *sql, *undo;
		unsigned warnings;
	} cases[] = {
		{ "all is well", JSON_HEAD "{\"recordings\":[]}", NULL, NULL, 0 },
		{ "what is no recording", JSON_HEAD "{\"recordings\":[7]}", NULL, NULL, 1 },
		{ "the ledger cannot take how far it was read", JSON_HEAD "{\"recordings\":[]}",
		  "CREATE TRIGGER refuse BEFORE INSERT ON reconciliations "
		  "BEGIN SELECT RAISE(ABORT, 'not now'); END",
		  "DROP TRIGGER refuse", 1 },
		{ "nor that it could not be read", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
		  "CREATE TRIGGER refuse BEFORE INSERT ON reconciliations "
		  "BEGIN SELECT RAISE(ABORT, 'not now'); END",
		  "DROP TRIGGER refuse", 2 },
	};
	char path[256], day[ISO_DATE_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		read_row();
		clock_iso_date(row.edge_ms, day);
		snprintf(path, sizeof(path), LIST "&DateCreated%%3E=%.10s", day);
		warned = 0;
		warnings = cases[i].warnings;
		if (cases[i].sql)
			write_sql(cases[i].sql);
		pass(path, cases[i].raw, warnings == 0 ? has_completed : has_warned);
		IS_INT(warned, warnings, "told: %s", cases[i].name);
		if (cases[i].undo)
			write_sql(cases[i].undo);
	}
}

static void import_ends(void)
{
	write_sql("UPDATE reconciliations SET since_ms = 1000");
}

/* An import has read further back, and ends while the list is read. */
static void test_beside_import(void)
{
	static const struct {
		const char *name, *raw;
		bool (*is_over)(void);
	} cases[] = {
		{ "is read", JSON_HEAD "{\"recordings\":[]}", has_completed },
		{ "is not", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", has_failed },
	};
	char path[256], day[ISO_DATE_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_sql("UPDATE reconciliations SET since_ms = 2000");
		read_row();
		clock_iso_date(row.edge_ms, day);
		snprintf(path, sizeof(path), LIST "&DateCreated%%3E=%.10s", day);
		beside = import_ends;
		pass(path, cases[i].raw, cases[i].is_over);
		beside = NULL;
		IS_INT(row.since_ms, 1000, "the list %s: what the import had is kept",
		       cases[i].name);
	}
	write_sql("UPDATE reconciliations SET since_ms = 0");
}

/* SIGHUP: the next pass would be due in an hour. */
static void test_change(void)
{
	const struct reconcile_options hourly = { .interval_ms = HOUR_MS, .reach_ms = INT64_MAX };
	const struct reconcile_options soon = { .interval_ms = 500, .reach_ms = INT64_MAX };
	char paths[2][256], days[2][ISO_DATE_SIZE];
	const struct answer answers[] = {
		{ paths[0], JSON_HEAD "{\"recordings\":[]}", THEN_CLOSE },
		{ paths[1], JSON_HEAD "{\"recordings\":[]}", THEN_CLOSE },
	};
	struct reconcile *reconcile;

	read_row();
	before_ms = row.started_at_ms;
	clock_iso_date(row.edge_ms, days[0]); /* how far the first one goes back, and the second */
	clock_iso_date(clock_wall_ms() - HOUR_MS, days[1]);
	for (int i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), LIST "&DateCreated%%3E=%.10s", days[i]);
	server_forget(&server);
	server_answers(answers, 2);
	reconcile = reconcile_start(&rest_env, &hourly);
	until(has_completed);
	write_now(run_nothing, NULL);
	before_ms = row.started_at_ms;
	reconcile_change(reconcile, &soon);
	until(has_completed);
	write_now(run_nothing, NULL);
	reconcile_change(reconcile, &hourly); /* and no further one comes */
	OK(row.completed_at_ms > before_ms, "a shorter interval brings the next pass forward");
	reconcile_free(reconcile);
}

int main(void)
{
	const struct reconcile_options never[] = { { .interval_ms = 0 },
						   { .interval_ms = INT64_MAX } };

	test_plan();
	fixture_start();
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		OK(!reconcile_start(&rest_env, &never[i]), "never %zu", i + 1);
	test_edge();
	test_told();
	test_beside_import();
	test_change();
	fixture_stop(NULL);
	return tap_end();
}
