#include "flights/recheck.h"

#include "catalog/catalog_sql.h"
#include "catalog/rechecks.h"
#include "flights_fixture.h"

#define SIZE 4000 /* of the stored file, as the ledger says */

static struct recheck *recheck;

/* The last wait of a second or more that was set, as only what is tested sets any here; see meson.build. */
static int64_t waits_ms;

void __real_timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
			void (*fire)(struct timer *timer));
void __wrap_timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
			void (*fire)(struct timer *timer));
void __wrap_timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
			void (*fire)(struct timer *timer))
{
	if (delay_ms == 1000 || delay_ms == 60000)
		waits_ms = delay_ms;
	__real_timer_start(loop, timer, delay_ms, fire);
}

static bool it_waits(void)
{
	return waits_ms != 0;
}

/* RECORDING is stored, and is to be looked at again. */
static bool run_store(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	struct recording_media media = { .stored_at_ms = clock_wall_ms(),
					 .generation = 1,
					 .size = SIZE,
					 .is_duration_off = true,
					 .recheck_at_ms = 1,
					 .format = "mp3",
					 .path = NAME };

	if (fixture_write.what) /* at first there was none to look at */
		media.stored_at_ms -= *(const int64_t *)fixture_write.what;
	return recordings_mark_stored(catalog, STR(RECORDING), &media, why);
}

/* It is asked for again whenever the test says so, whatever came of it before. */
static bool run_plan(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return rechecks_set(catalog, STR(RECORDING), 1, why);
}

static bool run_nothing(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return true;
}

static struct recheck_planned planned;
static bool is_planned;

static bool is_concluded(void)
{
	must(catalog_begin(reader, &err) && rechecks_next(reader, &planned, &is_planned, &err));
	catalog_rollback(reader);
	return !is_planned || planned.at_ms > 1;
}

static void look_once(const char *raw)
{
	struct answer answer = { MEDIA, raw, THEN_CLOSE };

	server_forget(&server);
	server_answers(&answer, 1);
	recheck = recheck_start(&env);
	until(is_concluded);
	write_now(run_nothing, NULL); /* behind it: what it wrote has come back */
	recheck_free(TAKE(recheck));
}

static void test_answers(void)
{
	static const struct {
		const char *name, *raw;
		enum recording_state state;
		bool is_put_off;
	} cases[] = {
		{ "the same length",
		  "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/4000\r\nContent-Length: 1\r\n\r\nx",
		  RECORDING_STORED, false },
		{ "the same length, no ranges", "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\nx",
		  RECORDING_STORED, false },
		{ "no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  RECORDING_STORED, false },
		{ "a coding",
		  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
		  RECORDING_STORED, false },
		{ "not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		  RECORDING_STORED, false },
		{ "a server error", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		  RECORDING_STORED, true },
		{ "too many requests", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
		  RECORDING_STORED, true },
		{ "credentials that are refused", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
		  RECORDING_STORED, true },
		{ "what is forbidden", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
		  RECORDING_STORED, true },
		{ "a request that came too slowly",
		  "HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n", RECORDING_STORED, true },
		{ "no answer", "", RECORDING_STORED, true },
		{ "another length",
		  "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/4001\r\nContent-Length: 1\r\n\r\nx",
		  RECORDING_QUEUED, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_now(run_store, NULL);
		write_now(run_plan, NULL);
		look_once(cases[i].raw);
		IS_INT(recorded().state, cases[i].state, "%s: the state", cases[i].name);
		IS_INT(is_planned, cases[i].is_put_off, "%s: again later?", cases[i].name);
		OK(strstr(server.all, "Range: bytes=0-0"), "%s: one byte was asked for",
		   cases[i].name);
	}
	OK(recorded().reason_text[0] != '\0', "another length: the reason is told");
}

/* What was looked at is not planned again by storing it. */
static void test_once(void)
{
	write_now(run_store, NULL);
	OK(is_concluded() && !is_planned,
	   "stored anew with a length that is off: not looked at again");
}

static void test_gives_up(void)
{
	static const int64_t day_ms = 24 * 60 * 60 * 1000;

	static const char *const raws[] = { "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
					    "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" };

	for (size_t i = 0; i < ARRAY_LEN(raws); i++) {
		write_now(run_store, &day_ms);
		write_now(run_plan, NULL);
		look_once(raws[i]);
		OK(!is_planned, "%.12s for a day: it is kept as it is", raws[i]);
	}
}

static bool run_plan_later(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return rechecks_set(catalog, STR(RECORDING), clock_wall_ms() + 3600000, why);
}

/* Which is looked for again in a minute, or in a second where there was one. */
static void test_waits(void)
{
	static const struct {
		const char *name;
		bool (*before)(struct ledger_job *job, struct catalog *catalog, struct err *why);
		const char *sql; /* and undone by */
		const char *undo;
		int64_t waits_ms;
		bool is_asked;
	} cases[] = {
		{ "none is planned", run_nothing, NULL, NULL, 60000, false },
		{ "one in an hour", run_plan_later, NULL, NULL, 60000, false },
		{ "one that is due", run_plan, NULL, NULL, 1000, true },
		{ "one that cannot be read", run_plan,
		  "ALTER TABLE recordings RENAME COLUMN recheck_at_ms TO away",
		  "ALTER TABLE recordings RENAME COLUMN away TO recheck_at_ms", 60000, false },
		{ "what cannot be written", run_plan,
		  "CREATE TRIGGER refuse BEFORE UPDATE OF recheck_at_ms ON recordings "
		  "BEGIN SELECT RAISE(ABORT, 'not now'); END",
		  "DROP TRIGGER refuse", 60000, true },
	};
	struct answer answer = { MEDIA, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\nx",
				 THEN_CLOSE };
	AUTO(catalog_free) struct catalog *writer = NULL;

	must(catalog_open(fixture_path, CATALOG_WRITE, &writer, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_now(cases[i].before, NULL);
		if (cases[i].sql)
			must(db_exec(catalog_db(writer), cases[i].sql, &err));
		server_forget(&server);
		server_answers(&answer, 1);
		waits_ms = 0;
		recheck = recheck_start(&env);
		until(it_waits);
		IS_INT(waits_ms, cases[i].waits_ms, "%s: the next look", cases[i].name);
		OK((strstr(server.all, "Range: bytes=0-0") != NULL) == cases[i].is_asked,
		   "%s: is Twilio asked?", cases[i].name);
		recheck_free(TAKE(recheck));
		if (cases[i].undo)
			must(db_exec(catalog_db(writer), cases[i].undo, &err));
	}
}

int main(void)
{
	fixture_start();
	tell_completed(60);
	write_now(run_store, NULL);
	OK(!is_concluded(), "stored with a length that is off: to be looked at again");
	test_answers();
	test_once();
	test_gives_up();
	test_waits();
	fixture_stop(NULL);
	return tap_end();
}
