/*
 * Twilio's copies are deleted, one after the other: what is asked of Twilio, what is known then, and how long it rests.
 */
#include "purge/upstream_deletion.h"

#include "audit/audit_options.h"
#include "audit/audit_trail.h"
#include "base/buf.h"
#include "base/hash.h"
#include "catalog/catalog_sql.h"
#include "catalog/recordings_digest.h"
#include "flights_fixture.h"
#include "must.h"
#include "purge/clock_guard.h"
#include "purge/purge.h"
#include "retention/retention.h"

#include <sodium.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

/* As upstream_deletion.c has them. */
#define NEXT_MS    50
#define IDLE_MS    600000
#define PAUSE_MS   60000
#define PAUSE_MOST 3600000

#define RECORDINGS 6 /* that are stored, the first begun first; so many days old and a few more */
#define SOUND      "sounds so"

static struct upstream_deletion *deletion;
static struct upstream_deletion_options options;
static struct purge_env purge_env;
static struct audit_trail trail;

/* ---- its timer is fired by the test ---- */

static struct timer *timer;
static bool expects_timer;
static int64_t rest_ms, passed_ms;
static void (*fire)(struct timer *timer);
static unsigned rests, seen_rests;

void __real_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer));
void __wrap_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer));
int64_t __real_loop_now_ms(const struct loop *loop);
int64_t __wrap_loop_now_ms(const struct loop *loop);

void __wrap_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer))
{
	if (expects_timer)
		timer = of;
	expects_timer = false;
	if (of != timer) {
		__real_timer_start(loop, of, ms, then);
		return;
	}
	rest_ms = ms;
	fire = then;
	rests++;
}

int64_t __wrap_loop_now_ms(const struct loop *loop)
{
	return __real_loop_now_ms(loop) + passed_ms;
}

static bool rests_again(void)
{
	return rests != seen_rests;
}

/* Its rest is over; until it rests again. */
static void go_on(void)
{
	seen_rests = rests;
	passed_ms += rest_ms;
	__real_timer_start(env.loop, timer, 0, fire);
	until(rests_again);
}

/* ---- what there is ---- */

static const char *sid_of(unsigned n)
{
	static char sid[SID_SIZE];

	snprintf(sid, sizeof(sid), "RE%032x", n);
	return sid;
}

static bool run_sql(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return db_exec(catalog_db(catalog), fixture_write.what, why);
}

static void sql(const char *text)
{
	write_now(run_sql, text);
}

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const unsigned n = *(const unsigned *)fixture_write.what;
	char path[BLOB_NAME_SIZE], call[SID_SIZE], sha256[SHA256_HEX];
	struct recording_media media = { .stored_at_ms = clock_wall_ms(),
					 .generation = n,
					 .size = strlen(SOUND),
					 .duration_ms = 60000,
					 .format = "mp3",
					 .path = path };
	uint8_t digest[SHA256_BYTES];
	struct buf hex;

	snprintf(call, sizeof(call), "CA%032x", n);
	sha256_of(STR(SOUND), digest);
	buf_over(&hex, sha256, sizeof(sha256));
	hex_add(&hex, digest, sizeof(digest));
	return blob_name_make(str_of(call), str_of(sid_of(n)), n, STR("mp3"), path, why) &&
	       recordings_mark_stored(catalog, str_of(sid_of(n)), &media, why) &&
	       recordings_set_digest(catalog, str_of(sid_of(n)), n, sha256, why);
}

static void write_sound(unsigned n, const char *text)
{
	AUTO(free)
	char *name = xasprintf("%s/recordings/00/CA%032x.%s.%u.mp3", folder, n, sid_of(n), n);
	FILE *file = fopen(name, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static void store(unsigned n)
{
	char call[SID_SIZE];
	struct event event;

	snprintf(call, sizeof(call), "CA%032x", n);
	event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
	event.account_sid = STR(ACCOUNT);
	event.call_sid = str_of(call);
	event.recording_sid = str_of(sid_of(n));
	event.status = STR("completed");
	event.duration_s = 60;
	event.started_at_ms = clock_wall_ms() - 10 * DAY_MS + n * 1000;
	tell(&event);
	write_now(run_stored, &n);
	write_sound(n, SOUND);
}

/* The number that the ledger answers. */
static int64_t number(const char *literal)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t found;

	must(catalog_begin(reader, &err) && db_prepare(catalog_db(reader), literal, &find, &err) &&
	     db_step(find, &err) == DB_ROW);
	found = db_column_int(find, 0);
	db_stmt_reset(TAKE(find));
	catalog_rollback(reader);
	return found;
}

/* Twilio's copy of the n-th: 0 as far as we know, SPARED 1, DELETED 2, NEEDED 3. */
static int64_t copy_of(unsigned n)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t found;

	must(catalog_begin(reader, &err) &&
	     db_prepare(catalog_db(reader),
			"SELECT upstream_copy FROM recordings WHERE recording_sid = $1", &find,
			&err));
	db_bind_str(find, 1, str_of(sid_of(n)));
	must(db_step(find, &err) == DB_ROW);
	found = db_column_int(find, 0);
	db_stmt_reset(TAKE(find));
	catalog_rollback(reader);
	return found;
}

/* ---- a new one, of a ledger in which nothing was deleted, and a Twilio that has said what time it is ---- */

static void hear(int64_t date_ms)
{
	clock_guard_free(purge_env.guard);
	purge_env.guard = clock_guard_new();
	if (date_ms != 0)
		clock_guard_heard(purge_env.guard, date_ms);
}

/* The ledger believes this clock, whether or not Twilio has said anything. */
static void make_new(void)
{
	upstream_deletion_free(TAKE(deletion));
	sql("UPDATE recordings SET upstream_copy = 0, is_held = 0, is_duration_off = 0, "
	    "duration_s = 60; DELETE FROM upstream_deletions; DELETE FROM audit");
	for (unsigned n = 1; n <= RECORDINGS; n++)
		write_sound(n, SOUND);
	blob_flaky_fail(env.store, NULL);
	hear(clock_wall_ms());
	server_forget(&server);
	options = (struct upstream_deletion_options){ .after_ms = DAY_MS, .per_day = 100 };
}

static void start(void)
{
	expects_timer = true;
	deletion = upstream_deletion_new(&purge_env, &rest_env, env.store, env.sealers, &options);
}

/* ---- what Twilio answers ---- */

#define PATH_OF(n) API "/Recordings/RE0000000000000000000000000000000" n ".json"
#define NOTHING    "Content-Length: 0\r\n\r\n"
#define SAYS(body) "Content-Length: @L\r\n\r\n@M", body

/* All of the recordings are answered alike. */
static void all_answer(const char *raw, const char *body)
{
	static struct answer answers[RECORDINGS];
	static const char *const paths[] = { PATH_OF("1"), PATH_OF("2"), PATH_OF("3"),
					     PATH_OF("4"), PATH_OF("5"), PATH_OF("6") };

	server.media = str_of(body);
	for (size_t i = 0; i < RECORDINGS; i++)
		answers[i] = (struct answer){ paths[i], raw, THEN_CLOSE };
	server_answers(answers, RECORDINGS);
}

/* What it does with the first; then the second is next, or none of the account. */
static void test_answers(void)
{
	static const struct {
		const char *name, *raw, *body;
		enum upstream_copy copy;
		int64_t status; /* that the audit tells; 0: no entry */
		int64_t then_ms; /* where there was one recording alone; at most, and a second less */
	} rows[] = {
		{ "it is deleted", "HTTP/1.1 204 No Content\r\n\r\n", "", UPSTREAM_COPY_DELETED,
		  204, IDLE_MS },
		{ "it was gone, as Twilio says itself",
		  "HTTP/1.1 404 Not Found\r\n" SAYS(
			  "{\"code\":20404,\"message\":\"not found\",\"status\":404}"),
		  UPSTREAM_COPY_DELETED, 404, IDLE_MS },
		{ "a proxy says that there is no such page",
		  "HTTP/1.1 404 Not Found\r\n" SAYS("<html>"), UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
		{ "another error of Twilio's is a 404",
		  "HTTP/1.1 404 Not Found\r\n" SAYS(
			  "{\"code\":20405,\"message\":\"no\",\"status\":404}"),
		  UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
		{ "that code, of another status",
		  "HTTP/1.1 400 Bad Request\r\n" SAYS(
			  "{\"code\":20404,\"message\":\"not found\",\"status\":404}"),
		  UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
		{ "200 is not what was asked for", "HTTP/1.1 200 OK\r\n" NOTHING, "",
		  UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
		{ "too many requests: the account rests",
		  "HTTP/1.1 429 Too Many Requests\r\n" NOTHING, "", UPSTREAM_COPY_SPARED, 0,
		  PAUSE_MS },
		{ "refused: the account rests for longest", "HTTP/1.1 401 Unauthorized\r\n" NOTHING,
		  "", UPSTREAM_COPY_SPARED, 0, IDLE_MS },
		{ "forbidden: the same", "HTTP/1.1 403 Forbidden\r\n" NOTHING, "",
		  UPSTREAM_COPY_SPARED, 0, IDLE_MS },
		{ "a server error", "HTTP/1.1 500 Internal Server Error\r\n" NOTHING, "",
		  UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
		{ "no answer", "", "", UPSTREAM_COPY_SPARED, 0, PAUSE_MS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make_new();
		sql("UPDATE recordings SET is_held = 1 "
		    "WHERE recording_sid <> 'RE00000000000000000000000000000001'");
		all_answer(rows[i].raw, rows[i].body);
		start();
		IS_INT(rest_ms, NEXT_MS, "%s: it begins at once", rows[i].name);
		go_on();
		OK(server.requests == 1 &&
			   str_starts(str_of(server.last), STR("DELETE " PATH_OF("1") " ")),
		   "Twilio is asked to delete the first");
		IS_INT(copy_of(1), rows[i].copy, "what is known of its copy");
		IS_INT(rest_ms, NEXT_MS, "the others go on");
		IS_INT(number("SELECT COUNT(*) FROM audit WHERE kind = 'upstream_deleted' AND "
			      "recording_sid = 'RE00000000000000000000000000000001'"),
		       rows[i].status != 0, "the audit tells of it, or not");
		if (rows[i].status != 0)
			IS_INT(number("SELECT COUNT(*) FROM audit WHERE body = '{\"status\":204}'") *
					       204 +
				       number("SELECT COUNT(*) FROM audit "
					      "WHERE body = '{\"status\":404}'") *
					       404,
			       rows[i].status, "with Twilio's answer");
		IS_INT(number("SELECT COUNT(*) FROM upstream_deletions"), 1,
		       "it counts for the day");
		go_on();
		OK(rest_ms <= rows[i].then_ms && rest_ms > rows[i].then_ms - 10000,
		   "until there may be more: %" PRId64 " ms", rest_ms);
		IS_INT(server.requests, 1, "nothing else is asked");
	}
}

/* Who is refused is an account: none of it is asked for; who fails is a recording: the next one is. */
static void test_account_rests(void)
{
	make_new();
	all_answer("HTTP/1.1 429 Too Many Requests\r\n" NOTHING, "");
	start();
	go_on();
	go_on();
	IS_INT(server.requests, 1, "the account rests, with all of its recordings");
	go_on();
	go_on();
	IS_INT(server.requests, 2, "for a while");
	OK(rest_ms > PAUSE_MS && rest_ms <= 2 * PAUSE_MS, "and twice as long as before: %" PRId64,
	   rest_ms);
}

/* ---- where several fail in a row ---- */

static void test_failures(void)
{
	make_new();
	all_answer("HTTP/1.1 500 Internal Server Error\r\n" NOTHING, "");
	start();
	go_on();
	IS_INT(rest_ms, NEXT_MS, "the first fails");
	go_on();
	IS_INT(rest_ms, NEXT_MS, "the second fails");
	go_on();
	IS_INT(rest_ms, PAUSE_MS, "the third fails: all of it rests");
	go_on();
	go_on();
	IS_INT(rest_ms, NEXT_MS, "two more fail");
	go_on();
	IS_INT(rest_ms, 2 * PAUSE_MS, "three more: twice as long");
	IS_INT(server.requests, 6, "each was asked for once");
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	go_on();
	while (rest_ms != NEXT_MS)
		go_on();
	all_answer("HTTP/1.1 500 Internal Server Error\r\n" NOTHING, "");
	go_on();
	go_on();
	go_on();
	IS_INT(rest_ms, PAUSE_MS, "once one was deleted it is counted anew");
	for (int64_t pause_ms = PAUSE_MS; pause_ms < PAUSE_MOST;) {
		make_new();
		all_answer("", "");
		start();
		while (rest_ms != PAUSE_MOST)
			go_on();
		pause_ms = rest_ms;
	}
	IS_INT(rest_ms, PAUSE_MOST, "it rests for an hour at most");
}

/* ---- what is not deleted, though it is old enough ---- */

static void test_ours(void)
{
	static const struct {
		const char *name, *sound, *sql;
		bool is_there;
		enum blob_call fails; /* BLOB_CALL_ANY: none does */
		enum err_kind kind;
		enum upstream_copy copy;
		int64_t rest_ms;
	} rows[] = {
		{ "other bytes", "sounds XX", "SELECT 1", true, BLOB_CALL_ANY, 0,
		  UPSTREAM_COPY_NEEDED, NEXT_MS },
		{ "another size", "sound", "SELECT 1", true, BLOB_CALL_ANY, 0, UPSTREAM_COPY_NEEDED,
		  NEXT_MS },
		{ "no file", "", "SELECT 1", false, BLOB_CALL_ANY, 0, UPSTREAM_COPY_NEEDED,
		  NEXT_MS },
		{ "its length was told to be another", SOUND,
		  "UPDATE recordings SET duration_s = 90", true, BLOB_CALL_ANY, 0,
		  UPSTREAM_COPY_NEEDED, NEXT_MS },
		{ "its length is known to be off", SOUND,
		  "UPDATE recordings SET is_duration_off = 1", true, BLOB_CALL_ANY, 0,
		  UPSTREAM_COPY_NEEDED, NEXT_MS },
		{ "the store does not answer: all of it rests", SOUND, "SELECT 1", true,
		  BLOB_CALL_OPEN_READ, ERR_UNAVAILABLE, UPSTREAM_COPY_THERE, PAUSE_MS },
		{ "no descriptor is left: all of it rests", SOUND, "SELECT 1", true,
		  BLOB_CALL_OPEN_READ, ERR_SCARCE, UPSTREAM_COPY_THERE, PAUSE_MS },
		{ "it cannot be read: it rests alone", SOUND, "SELECT 1", true, BLOB_CALL_OPEN_READ,
		  ERR_INTERNAL, UPSTREAM_COPY_THERE, NEXT_MS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make_new();
		sql("UPDATE recordings SET is_held = 1 "
		    "WHERE recording_sid <> 'RE00000000000000000000000000000001'");
		if (strncmp(rows[i].sql, "UPDATE", 6) == 0)
			sql(rows[i].sql);
		write_sound(1, rows[i].sound);
		if (!rows[i].is_there) {
			AUTO(free)
			char *name = xasprintf("%s/recordings/00/CA%032x.%s.1.mp3", folder, 1,
					       sid_of(1));

			unlink(name);
		}
		if (rows[i].fails != BLOB_CALL_ANY)
			blob_flaky_fail(env.store, &(struct blob_failure){ .call = rows[i].fails,
									   .count = UINT64_MAX,
									   .kind = rows[i].kind });
		all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
		start();
		go_on();
		IS_INT(copy_of(1), rows[i].copy, "%s: Twilio's copy stays", rows[i].name);
		IS_INT(rest_ms, rows[i].rest_ms, "it rests");
		IS_INT(server.requests, 0, "nothing is asked of Twilio");
		IS_INT(number("SELECT COUNT(*) FROM upstream_deletions"), 0,
		       "nor counted for the day");
	}
}

/* Where the folder is gone, too, the store is away: the recording rests, and nothing is known of its copy. */
static void test_store_away(void)
{
	AUTO(free) char *at = xasprintf("%s/recordings/00", folder);
	AUTO(free) char *away = xasprintf("%s/recordings/away", folder);

	make_new();
	start();
	if (rename(at, away) < 0)
		abort();
	go_on();
	OK(copy_of(1) == UPSTREAM_COPY_THERE && server.requests == 0 && rest_ms == NEXT_MS,
	   "the store is away: nothing is said of the file");
	if (rename(away, at) < 0)
		abort();
}

/* ---- when ---- */

static void test_age(void)
{
	make_new();
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	options.after_ms = 20 * DAY_MS;
	start();
	go_on();
	OK(server.requests == 0 && rest_ms == IDLE_MS, "none is old enough");
	options.after_ms = 9 * DAY_MS;
	upstream_deletion_change(deletion, &options);
	seen_rests = rests;
	until(rests_again);
	IS_INT(rest_ms, NEXT_MS, "by other settings it begins at once");
	go_on();
	IS_INT(server.requests, 1, "and the first is old enough");

	make_new();
	options.after_ms = INT64_MAX;
	start();
	seen_rests = rests;
	__real_timer_start(env.loop, timer, 0, fire);
	__real_timer_start(env.loop, &fixture_timer, 20, fixture_tick);
	loop_run(env.loop);
	OK(rests == seen_rests && server.requests == 0, "where it is off nothing is begun");
	options.after_ms = DAY_MS;
	upstream_deletion_change(deletion, &options);
	until(rests_again);
	go_on();
	IS_INT(server.requests, 1, "until it is on");
}

static void change(void)
{
	seen_rests = rests;
	upstream_deletion_change(deletion, &options);
	until(rests_again);
}

/* New settings forget what failed. */
static void test_change(void)
{
	make_new();
	all_answer("HTTP/1.1 500 Internal Server Error\r\n" NOTHING, "");
	start();
	go_on();
	go_on();
	change();
	go_on();
	go_on();
	OK(rest_ms == NEXT_MS && server.requests == 4, "two that failed are forgotten");
	go_on();
	IS_INT(rest_ms, PAUSE_MS, "a third one pauses all");
	change();
	IS_INT(rest_ms, NEXT_MS, "other settings end that");
	go_on();
	go_on();
	go_on();
	IS_INT(rest_ms, PAUSE_MS, "and the next pause is the first");

	make_new();
	all_answer("HTTP/1.1 401 Unauthorized\r\n" NOTHING, "");
	start();
	go_on();
	go_on();
	IS_INT(server.requests, 1, "it is refused, and rests");
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	upstream_deletion_change(deletion, &options);
	seen_rests = rests;
	until(rests_again);
	IS_INT(rest_ms, NEXT_MS, "other settings are there");
	go_on();
	OK(server.requests == 2 && copy_of(1) == UPSTREAM_COPY_DELETED,
	   "with which it is asked again");
}

static void test_day(void)
{
	AUTO(free)
	char *of_yesterday = xasprintf(
		"INSERT INTO upstream_deletions (recording_sid, at_ms) VALUES ('RE%032x', %" PRId64
		")",
		99, clock_wall_ms() - DAY_MS - 60000);
	AUTO(free)
	char *of_today = xasprintf("UPDATE upstream_deletions SET at_ms = %" PRId64
				   " WHERE recording_sid = 'RE%032x'",
				   clock_wall_ms() - DAY_MS + 60000, 99);

	make_new();
	sql(of_yesterday);
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	options.per_day = 2;
	start();
	go_on();
	go_on();
	OK(server.requests == 2 && rest_ms == NEXT_MS, "two a day are deleted");
	go_on();
	OK(server.requests == 2 && rest_ms == IDLE_MS, "and no third");
	IS_INT(copy_of(3), UPSTREAM_COPY_THERE, "of which nothing is known");
	sql("DELETE FROM upstream_deletions");
	go_on();
	OK(server.requests == 2 && rest_ms == IDLE_MS,
	   "whatever becomes of the ledger's word, or its clock");

	make_new();
	sql(of_yesterday);
	sql(of_today);
	options.per_day = 1;
	start();
	go_on();
	OK(server.requests == 0 && rest_ms == IDLE_MS, "the ledger knows of one of today");

	make_new();
	all_answer("HTTP/1.1 500 Internal Server Error\r\n" NOTHING, "");
	options.per_day = 2;
	sql("UPDATE recordings SET is_held = 1 "
	    "WHERE recording_sid <> 'RE00000000000000000000000000000001'");
	start();
	go_on();
	go_on();
	go_on();
	IS_INT(server.requests, 2, "one that failed is asked for again");
	IS_INT(number("SELECT COUNT(DISTINCT recording_sid) FROM upstream_deletions"), 1,
	       "and counts once");
}

/* What is counted for a day has the later of both clocks, and the day is counted back from the earlier. */
static void test_clocks(void)
{
	static const struct {
		const char *name;
		int64_t twilio_ms; /* ahead of ours */
		int64_t last_ms;   /* ago, by ours, something was deleted */
		bool is_deleted;
	} rows[] = {
		{ "Twilio contradicts our clock", -400 * DAY_MS, 3 * DAY_MS, false },
		{ "both say that a day is over", 0, DAY_MS + HOUR_MS, true },
		{ "ours is a little ahead, and its day alone is over", -HOUR_MS / 2,
		  DAY_MS + HOUR_MS / 4, false },
		{ "Twilio is ahead, and its day alone is over", 2 * DAY_MS, DAY_MS - HOUR_MS,
		  false },
		{ "Twilio is ahead, and ours is over, too", 2 * DAY_MS, DAY_MS + HOUR_MS, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t now_ms = clock_wall_ms(), at_ms;
		AUTO(free)
		char *last = xasprintf("INSERT INTO upstream_deletions (recording_sid, at_ms) "
				       "VALUES ('RE%032x', %" PRId64 ")",
				       99, now_ms - rows[i].last_ms);

		make_new();
		sql(last);
		hear(now_ms + rows[i].twilio_ms);
		all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
		options.per_day = 1;
		start();
		go_on();
		IS_INT(server.requests, rows[i].is_deleted, "%s: %s", rows[i].name,
		       server.requests ? "one is deleted" : "none is deleted");
		IS_INT(rest_ms,
		       rows[i].is_deleted ? NEXT_MS
		       : i == 0           ? PAUSE_MS
					  : IDLE_MS,
		       "... and it rests");
		if (!rows[i].is_deleted)
			continue;
		at_ms = number("SELECT MAX(at_ms) FROM upstream_deletions") -
			(rows[i].twilio_ms > 0 ? rows[i].twilio_ms : 0);
		OK(at_ms >= now_ms && at_ms <= clock_wall_ms(), "... by the later of both");
	}
}

static void told_now(void)
{
	clock_guard_heard(purge_env.guard, clock_wall_ms());
}

/* Before Twilio has said anything it is asked for the first, whose answer comes with its Date. */
static void test_first_asks_for_time(void)
{
	make_new();
	hear(0);
	must(clock_guard_load(purge_env.guard, reader, &err));
	all_answer("HTTP/1.1 200 OK\r\n" NOTHING, "");
	start();
	go_on();
	OK(server.requests == 1 && str_starts(str_of(server.last), STR("GET " PATH_OF("1") " ")),
	   "Twilio is asked what time it is");
	IS_INT(rest_ms, PAUSE_MS, "which it does not say");
	IS_INT(copy_of(1), UPSTREAM_COPY_THERE, "so that nothing is deleted");
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	server.noticed = told_now;
	go_on();
	OK(server.requests == 3 &&
		   str_starts(str_of(server.last), STR("DELETE " API "/Recordings/")),
	   "once it does, one is");
	IS_INT(number("SELECT COUNT(*) FROM recordings WHERE upstream_copy = 2"), 1,
	       "and known to be");
}

static const char *meanwhile; /* statements */

static void change_meanwhile(void)
{
	AUTO(db_free) struct db *db = NULL;

	told_now();
	if (meanwhile)
		must(db_open(fixture_path, DB_WRITE, &db, &err) && db_exec(db, meanwhile, &err));
	meanwhile = NULL;
}

/* It was found, and while Twilio is asked what time it is, it changes: it is looked at again before anything is deleted. */
static void test_changed_meanwhile(void)
{
	static const struct {
		const char *name, *sql;
		enum upstream_copy copy;
	} rows[] = {
		{ "it is held", "UPDATE recordings SET is_held = 1", UPSTREAM_COPY_THERE },
		{ "it is another file", "UPDATE recordings SET generation = 99",
		  UPSTREAM_COPY_THERE },
		{ "it has another digest", "UPDATE recordings SET sha256 = printf('%064x', 7)",
		  UPSTREAM_COPY_THERE },
		{ "it is not stored any more", "UPDATE recordings SET state = 1",
		  UPSTREAM_COPY_THERE },
		{ "it began later", "UPDATE recordings SET started_at_ms = 4000000000000",
		  UPSTREAM_COPY_THERE },
		{ "nobody knows when it began", "UPDATE recordings SET started_at_ms = NULL",
		  UPSTREAM_COPY_THERE },
		{ "it is told to be longer", "UPDATE recordings SET duration_s = 90",
		  UPSTREAM_COPY_NEEDED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make_new();
		sql("CREATE TEMP TABLE IF NOT EXISTS kept AS SELECT * FROM recordings; "
		    "UPDATE recordings SET is_held = 1 "
		    "WHERE recording_sid <> 'RE00000000000000000000000000000001'");
		hear(0);
		must(clock_guard_load(purge_env.guard, reader, &err));
		all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
		meanwhile = rows[i].sql;
		server.noticed = change_meanwhile;
		start();
		go_on();
		OK(server.requests == 1 && str_starts(str_of(server.last), STR("GET ")),
		   "%s: it is not deleted", rows[i].name);
		IS_INT(rest_ms, NEXT_MS, "the next one is looked for");
		IS_INT(copy_of(1), rows[i].copy, "what is known of Twilio's copy");
		sql("UPDATE recordings SET (state, generation, sha256, started_at_ms) = "
		    "(SELECT state, generation, sha256, started_at_ms FROM kept "
		    "WHERE kept.id = recordings.id)");
	}
}

static void test_stop(void)
{
	make_new();
	all_answer("HTTP/1.1 204 No Content\r\n\r\n", "");
	start();
	upstream_deletion_stop(deletion);
	seen_rests = rests;
	__real_timer_start(env.loop, timer, 0, fire);
	__real_timer_start(env.loop, &fixture_timer, 20, fixture_tick);
	loop_run(env.loop);
	OK(rests == seen_rests && server.requests == 0, "once it is stopped nothing is begun");
	upstream_deletion_stop(NULL);
	upstream_deletion_free(NULL);
}

static bool begin_trail(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return audit_trail_begin(&trail, catalog, why);
}

static void release(void)
{
	upstream_deletion_free(deletion);
}

int main(void)
{
	const struct audit_options audit_options = { .key_file = NULL };
	struct retention_rules rules = retention_rules_of(RETENTION_FOREVER);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);

	if (sodium_init() < 0)
		return 1;
	fixture_start();
	must(audit_trail_open(&audit_options, folder, true, NULL, &trail, &err));
	write_now(begin_trail, NULL);
	purge_env =
		(struct purge_env){ .ledger = env.ledger, .retention = retention, .trail = &trail };
	{
		AUTO(free) char *first = xasprintf("mkdir -p %s/recordings/00", folder);

		if (system(first) != 0)
			return 1;
	}
	for (unsigned n = 1; n <= RECORDINGS; n++)
		store(n);
	test_answers();
	test_account_rests();
	test_failures();
	test_ours();
	test_store_away();
	test_age();
	test_change();
	test_day();
	test_clocks();
	test_first_asks_for_time();
	test_changed_meanwhile();
	test_stop();
	fixture_stop(release);
	clock_guard_free(purge_env.guard);
	audit_trail_release(&trail);
	return tap_end();
}
