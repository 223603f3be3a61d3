#include "flights/flight_private.h"

#include "base/log.h"
#include "catalog/rechecks.h"
#include "flights/recheck.h"
#include "flights/unnamed_media.h"
#include "one_flight.h"

#define DOWN "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"
#define SLOW "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"

static bool is_there(const char *name)
{
	AUTO(free) char *file = xasprintf("%s/recordings/%s", folder, name);

	return access(file, F_OK) == 0;
}

static char old_path[RECORDING_PATH_SIZE];

static bool old_is_gone(void)
{
	return !is_there(old_path);
}

/* Fetched anew, the file that it replaces is removed, once the ledger has the new one. */
static void test_replaced(void)
{
	begin_anew();
	fly_on(WHOLE, whole);
	memcpy(old_path, recorded().path, sizeof(old_path));
	OK(is_there(old_path), "stored, under its name");
	begin_anew();
	fly_on(WHOLE, whole);
	OK(strcmp(recorded().path, old_path) != 0 && is_there(recorded().path),
	   "fetched anew: stored under another");
	until(old_is_gone);
	OK(is_there(recorded().path), "the older file is removed, the newer stays");
}

static bool nothing_is_sealed(void)
{
	struct blob_names names;

	must(blob_list(env.store, STR("3f/"), STR(""), &names, &err));
	return names.count == 1; /* of before */
}

/* The ledger does not take what is sealed already: the file is under no row, and is removed. */
static void test_not_written(void)
{
	begin_anew();
	write_sql("CREATE TRIGGER refuse BEFORE UPDATE OF stored_at_ms ON recordings "
		  "BEGIN SELECT * FROM nowhere; END");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_WAITING && last.meaning == VERDICT_OURS && !last.is_in_ledger,
	   "the ledger could not be written: our fault");
	IS_INT(last.wait_ms, 30000, "again in 30 s");
	IS_STR(str_of(flight->reason_code), STR("internal"), "which players are told");
	OK(flight->is_pointless, "without waiting");
	until(nothing_is_sealed);
	OK(true, "what was sealed is removed");
	write_sql("DROP TRIGGER refuse");
	fly_on(WHOLE, whole);
	IS_INT(flight->state, FLIGHT_STORED, "it can be written again: stored");
}

/* Others decided meanwhile what becomes of it. */
static void test_overtaken(void)
{
	begin_anew();
	write_sql("UPDATE recordings SET state = 3, next_try_at_ms = NULL");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_GONE && last.is_over && last.meaning == VERDICT_GONE,
	   "it is stored already: not fetched");
	OK(server.requests == 0 && !last.was_sent, "nobody is asked");
	IS_STR(str_of(flight->reason_code), STR(""),
	       "players are told nothing: they ask the ledger");
}

static bool was_abandoned_at_once;

static void abandon_landed(struct flight *of)
{
	was_abandoned_at_once = flight_abandon(of);
}

/* Somebody deletes it while its last bytes are written: nothing of it is stored, and the attempt ends all the same. */
static void test_deleted_while_sealed(void)
{
	int64_t since;

	begin_anew();
	write_sql("CREATE TRIGGER deletes AFTER UPDATE OF ended_at_ms ON attempts "
		  "BEGIN UPDATE recordings SET state = 8; END");
	upstream_answers(WHOLE, whole, THEN_CLOSE);
	was_abandoned_at_once = true;
	since = told_until(env.ledger);
	owner.landed = abandon_landed; /* a moment later it may have been sealed and written */
	fly();
	owner.landed = flight_landed;
	OK(!was_abandoned_at_once, "it is being sealed");
	read_attempts();
	OK(flight->state == FLIGHT_GONE && attempt_count > 0 && attempts[0].ended_at_ms != 0,
	   "the attempt is not left open");
	IS_STR(str_of(attempts[0].outcome), STR("deleted"), "and says why");
	OK(was_told(env.ledger, PROJECTED_LET_GO, since), "who waited for its end is told");
	write_sql("DROP TRIGGER deletes");
	write_sql("UPDATE recordings SET state = 5");
}

/* It is deleted while it is fetched, and the turn comes behind that: the attempt ends as what it was. */
static void test_overtaken_at_the_end(void)
{
	static const struct {
		const char *raw, *outcome;
	} cases[] = { { WHOLE, "stored" }, { DOWN, "server_error" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t since;

		begin_anew();
		write_sql("CREATE TRIGGER deletes AFTER UPDATE OF ended_at_ms ON attempts "
			  "BEGIN UPDATE recordings SET state = 8, next_try_at_ms = NULL; END");
		since = told_until(env.ledger);
		fly_on(cases[i].raw, whole);
		write_sql("DROP TRIGGER deletes");
		IS_INT(flight->state, FLIGHT_GONE, "%s: not fetched any more", cases[i].outcome);
		read_attempts();
		OK(attempt_count > 0 && attempts[0].ended_at_ms != 0,
		   "the attempt is not left open");
		IS_STR(str_of(attempts[0].outcome), str_of(cases[i].outcome),
		       "it says what it was");
		OK(was_told(env.ledger, PROJECTED_LET_GO, since), "who waited for its end is told");
		until(nothing_is_sealed);
		OK(true, "nothing of it stays");
		write_sql("UPDATE recordings SET state = 5");
	}
}

static char landed_name[BLOB_NAME_SIZE], landed_sql[400];

/* Written before the flight's own turn, which is posted once it is sealed. */
static void write_landed(struct flight *of)
{
	memcpy(landed_name, of->try->media_name, sizeof(landed_name));
	snprintf(landed_sql, sizeof(landed_sql),
		 "UPDATE attempts SET ended_at_ms = began_at_ms WHERE ended_at_ms IS NULL; "
		 "UPDATE recordings SET state = 3, next_try_at_ms = NULL, path = '%s'",
		 landed_name);
	fixture_write = (struct fixture_write){
		.job = { .run = run_sql, .done = fixture_written, .reply = env.mailbox },
		.what = landed_sql,
	};
	ledger_write(env.ledger, &fixture_write.job);
}

/* A server took the commit, and its answer was lost: the second try finds it done, and what the ledger names stays. */
static void test_written_before(void)
{
	begin_anew();
	owner.landed = write_landed;
	fly_on(WHOLE, whole);
	owner.landed = flight_landed;
	must(fixture_write.is_done && fixture_write.job.succeeded);
	IS_INT(flight->state, FLIGHT_STORED, "what the ledger has already is stored");
	OK(is_there(landed_name), "and the file that it names stays");
	write_sql("UPDATE recordings SET state = 5");
}

#define RETRIED_BY "retried"

static bool run_retried(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return run_requeue(job, catalog, why) &&
	       recordings_set_request(catalog, STR(RECORDING), STR(RETRIED_BY), why);
}

/* How long it has been tried for, and how long it waits. */
static void test_gives_up(void)
{
	static const struct {
		const char *sql; /* what the row said when the try began */
		const char *raw;
		int64_t give_up_after_ms;
		enum flight_state state;
		const char *why;
	} cases[] = {
		{ "trying_ms = 3599000", DOWN, 3600000, FLIGHT_WAITING, "not long enough" },
		{ "trying_ms = 3600000", DOWN, 3600000, FLIGHT_DEAD, "for as long as it is tried" },
		{ "trying_ms = 3600000", SLOW, 3600000, FLIGHT_DEAD, "429 counts as trying" },
		{ "trying_ms = 3600000", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 3600000,
		  FLIGHT_WAITING, "refused credentials do not" },
		{ "trying_ms = 3000000, waiting_since_ms = @ - 700000, next_try_at_ms = @ - 100000",
		  DOWN, 3600000, FLIGHT_DEAD, "a wait of 600 s as it was meant counts" },
		{ "trying_ms = 2900000, waiting_since_ms = @ - 7000000, "
		  "next_try_at_ms = @ - 6400000",
		  DOWN, 3600000, FLIGHT_WAITING, "what it took longer does not" },
		{ "trying_ms = 3500000, waiting_since_ms = @ - 100000, next_try_at_ms = @ + 900000",
		  DOWN, 3600000, FLIGHT_DEAD, "of a wait that was cut short: what was waited" },
		{ "trying_ms = 3500000, waiting_since_ms = @ - 90000, next_try_at_ms = @ + 900000",
		  DOWN, 3600000, FLIGHT_WAITING, "and no more" },
		{ "trying_ms = 3500000, waiting_since_ms = @ + 900000, next_try_at_ms = @ + 990000",
		  DOWN, 3600000, FLIGHT_WAITING, "not what the clock was set back by" },
		{ "trying_ms = 3500000, waiting_since_ms = @ - 900000, next_try_at_ms = @ - 990000",
		  DOWN, 3600000, FLIGHT_WAITING, "nor what ends before it begins" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char sql[512] = "UPDATE recordings SET state = 2, ";
		size_t len = strlen(sql);

		for (const char *at = cases[i].sql; *at; at++)
			len += (size_t)(*at == '@' ? snprintf(sql + len, sizeof(sql) - len, "%lld",
							      (long long)clock_wall_ms())
						   : snprintf(sql + len, sizeof(sql) - len, "%c",
							      *at));
		begin_anew();
		write_sql(sql);
		env.options.give_up_after_ms = cases[i].give_up_after_ms;
		fly_on(cases[i].raw, STR_NONE);
		IS_INT(flight->state, cases[i].state, "%s", cases[i].why);
	}
	env.options.give_up_after_ms = 3600000;
}

static void test_waits_longer(void)
{
	begin_anew();
	env.options.retry_first_ms = 60000;
	env.options.retry_most_ms = 600000;
	fly_on(DOWN, STR_NONE);
	OK(last.wait_ms > 5000 && last.wait_ms <= 60000,
	   "the first wait: a tenth at least, at most all");
	IS_INT(recorded().tries, 1, "which counts");
	write_sql("UPDATE recordings SET tries = 30");
	fly_on(DOWN, STR_NONE);
	OK(last.wait_ms > 59000 && last.wait_ms <= 600000, "the 31st: of the longest");
	OK(last.is_in_ledger && !last.is_over, "the ledger knows when");
	OK(recorded().next_try_at_ms - clock_wall_ms() <= last.wait_ms, "that it is then");
	write_sql("UPDATE recordings SET tries = 0, limited = 30");
	fly_on(SLOW, STR_NONE);
	OK(last.wait_ms > 59000, "each 429 in a row makes the wait longer, too");
	OK(recorded().limited == 31 && recorded().tries == 0, "and counts as no try");
	OK(recorded().wait_rule == RECORDING_WAIT_AS_TOLD, "which no play shortens");
	write_sql("UPDATE recordings SET tries = 0, limited = 30");
	fly_on(DOWN, STR_NONE);
	OK(last.wait_ms <= 60000, "they do not lengthen the wait for what is down");
	fly_on("HTTP/1.1 404 Not yet\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	OK(last.meaning == VERDICT_NOT_READY && last.wait_ms <= 30000,
	   "what is not ready is asked for again within 30 s");
	env.options.retry_first_ms = 100;
	env.options.retry_most_ms = 1000;
	fly_on("HTTP/1.1 404 Not yet\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	OK(last.wait_ms > 39000 && last.at_least_ms == 40000, "unless Twilio asks for more");
	fly_on("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	OK(last.wait_ms > 59000 && last.wait_ms <= 60000, "refused credentials: a minute");
	IS_INT(recorded().wait_rule, RECORDING_WAIT_POINTLESS, "that players need not wait for");
}

#define TRIED_LONG                                                                       \
	"UPDATE recordings SET state = 2, tries = 4, limited = 2, trying_ms = 3600000, " \
	"first_try_at_ms = 1, waiting_since_ms = 1, next_try_at_ms = 2"

/* Somebody has it fetched again while it is tried: what that try was the end of has ended, but not what was begun. */
static void test_retried(void)
{
	static const struct {
		const char *name;
		const char *sql; /* what is known of it when the try begins; NULL: nothing */
		const char *raw;
		enum flight_state flight;
		enum recording_state state;
		int64_t at_least_ms, at_most_ms; /* to the next try */
	} cases[] = {
		{ "in its first try", NULL, DOWN, FLIGHT_WAITING, RECORDING_QUEUED, 0, 0 },
		{ "in its last", TRIED_LONG, DOWN, FLIGHT_WAITING, RECORDING_QUEUED, 0, 0 },
		{ "two channels are refused", TRIED_LONG,
		  "HTTP/1.1 400 One\r\nContent-Length: 0\r\n\r\n", FLIGHT_WAITING, RECORDING_QUEUED,
		  0, 0 },
		{ "credentials are", TRIED_LONG, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
		  FLIGHT_WAITING, RECORDING_QUEUED, 0, 0 },
		{ "Twilio asks for time", TRIED_LONG,
		  "HTTP/1.1 503 Down\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n",
		  FLIGHT_WAITING, RECORDING_WAITING, 30000, 40000 },
		{ "too many at once, and for how long", TRIED_LONG,
		  "HTTP/1.1 429 Slow\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n",
		  FLIGHT_WAITING, RECORDING_WAITING, 30000, 40000 },
		{ "too many at once", TRIED_LONG, SLOW, FLIGHT_WAITING, RECORDING_WAITING, 10,
		  1000 },
		{ "deleted at Twilio", TRIED_LONG, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
		  FLIGHT_GONE, RECORDING_GONE, 0, 0 },
		{ "it is stored", TRIED_LONG, WHOLE, FLIGHT_STORED, RECORDING_STORED, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct recording now;

		begin_anew();
		write_sql("UPDATE recordings SET channels_wanted = 2");
		if (cases[i].sql)
			write_sql(cases[i].sql);
		upstream_answers(cases[i].raw, whole, THEN_CLOSE);
		fly_begin();
		write_now(run_retried, NULL); /* behind the attempt's beginning, before its end */
		until(has_turned);
		now = recorded();
		IS_INT(flight->state, cases[i].flight, "%s: the flight", name);
		IS_INT(now.state, cases[i].state, "%s: the recording", name);
		OK(last.wait_ms >= cases[i].at_least_ms && last.wait_ms <= cases[i].at_most_ms,
		   "%s: again in %lld ms", name, (long long)last.wait_ms);
		read_attempts();
		OK(attempt_count > 0 && attempts[0].ended_at_ms != 0, "%s: the attempt has ended",
		   name);
		if (cases[i].flight != FLIGHT_WAITING)
			continue;
		OK(last.is_in_ledger && now.tries == 0 && now.trying_ms == 0, "%s: a new round",
		   name);
		OK(cases[i].state == RECORDING_QUEUED
			   ? now.next_try_at_ms <= clock_wall_ms()
			   : now.next_try_at_ms - clock_wall_ms() <= cases[i].at_most_ms &&
				     now.wait_rule == RECORDING_WAIT_AS_TOLD,
		   "%s: as the ledger says, too", name);
		IS_STR(str_of(flight->request_id), STR(RETRIED_BY), "%s: who had it begun", name);
		OK(cases[i].state != RECORDING_QUEUED || flight->reason_code[0] == '\0',
		   "%s: players are not sent away", name);
		IS_INT(now.channels_wanted, last.meaning == VERDICT_NO_DUAL ? 1 : 2,
		       "%s: what was learnt is known", name);
	}
	write_sql("UPDATE recordings SET channels_wanted = 2");
}

/* It is one try more, and no endless row of them. */
static void test_retried_once(void)
{
	begin_anew();
	write_sql(TRIED_LONG);
	upstream_answers(RANGED, str_first(whole, 4000), THEN_CLOSE);
	fly_begin();
	write_now(run_retried, NULL);
	until(has_turned);
	OK(flight->arrival.file && last.wait_ms == 0,
	   "what came of it is there, and the next try is due");
	fly_on(DOWN, STR_NONE);
	OK(flight->state == FLIGHT_WAITING && recorded().state == RECORDING_WAITING &&
		   last.wait_ms > 0,
	   "which fails, too: then it is waited for");
	OK(recorded().tries == 1 && recorded().trying_ms < 3600000, "it is the first of its round");
}

/* Kept though not as long as announced: flagged, and looked at again 10 minutes later. */
static void test_off(void)
{
	struct recheck_planned planned = { .at_ms = 0 };
	bool found = false;

	begin_anew();
	write_sql("UPDATE recordings SET duration_s = 20");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_STORED && last.meaning == VERDICT_KEPT_OFF &&
		   recorded().is_duration_off,
	   "not as long as announced: stored, and flagged");
	must(catalog_begin(reader, &err) && rechecks_next(reader, &planned, &found, &err));
	catalog_rollback(reader);
	OK(found && planned.at_ms == recorded().stored_at_ms + RECHECK_AFTER_MS,
	   "it is looked at again 10 minutes later");
	OK(recorded().duration_ms > 1000 && recorded().duration_ms < 3000 &&
		   recorded().channels_stored == 1 && strcmp(recorded().format, "mp3") == 0,
	   "what was measured is kept");
	write_sql("UPDATE recordings SET duration_s = 2");
}

/* What is worth going on with stays, with its descriptor; all else goes. */
static void test_kept_file(void)
{
	begin_anew();
	fly_on(RANGED, STR_NONE);
	OK(!flight->arrival.file, "an empty file is not worth a descriptor");
	fly_on(RANGED, str_first(whole, 4000));
	OK(flight->arrival.file && flight->arrival.reader_fd >= 0, "a part of it is");
	fly_on(SLOW, STR_NONE);
	OK(flight->arrival.file, "through a 429, too");
	flight_drop_file(flight);
	OK(!flight->arrival.file && flight->arrival.reader_fd < 0,
	   "unless others need the descriptor");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_STORED && !strstr(server.all, "Range:"), "then it begins anew");
}

static uint64_t counted(const char *outcome)
{
	uint64_t count = 0;

	for (unsigned row = 0; row < VERDICT_ROWS; row++)
		if (strcmp(verdict_row_outcome(row), outcome) == 0)
			count += counter_read(&owner.counts.attempts[row]);
	return count;
}

/* For /metrics: what the ledger has of them, and where the flights are. */
static void test_counted(void)
{
	uint64_t limited = counted("limited"), stored = counted("stored");
	uint64_t received = counter_read(&owner.counts.received_bytes);

	begin_anew();
	IS_INT(gauge_read(&owner.counts.in[FLIGHT_QUEUED]), 1, "it is queued");
	fly_on(SLOW, STR_NONE);
	IS_INT(gauge_read(&owner.counts.in[FLIGHT_QUEUED]), 0, "it left the queue");
	IS_INT(gauge_read(&owner.counts.in[FLIGHT_WAITING]), 1, "and waits");
	fly_on(RANGED, str_first(whole, 4000));
	fly_on(WHOLE, whole);
	IS_INT(counted("limited") - limited, 1, "each try is counted by what became of it");
	IS_INT(counted("stored") - stored, 1, "the last one too");
	OK(counter_read(&owner.counts.received_bytes) - received >= whole.len,
	   "with the bytes that it received");
	IS_INT(gauge_read(&owner.counts.in[FLIGHT_WAITING]), 0, "none waits any more");
}

/* In place of the log's (see meson.build). */
static unsigned warned;

void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...);
void __wrap_log_warn(const struct log_tag *tag, const char *fmt, ...)
{
	warned++;
}

static bool has_warned(void)
{
	return warned > 0;
}

/* Of a file that no row names: on a sealer, and in place once they have stopped. */
static void test_unnamed(void)
{
	static const struct {
		const char *name;
		bool is_there, fails;
	} cases[] = {
		{ "a file", true, false },
		{ "one that is not there", false, false },
		{ "one that the store does not remove", true, true },
	};
	struct workers *sealers = env.sealers;

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		bool is_at_the_end = i >= ARRAY_LEN(cases);
		const size_t n = i % ARRAY_LEN(cases);
		const struct blob_failure failure = { .call = BLOB_CALL_REMOVE,
						      .count = UINT64_MAX,
						      .kind = ERR_UNAVAILABLE };

		memcpy(old_path, recorded().path, sizeof(old_path));
		begin_anew();
		fly_on(WHOLE, whole);
		until(old_is_gone); /* that of the case before */
		memcpy(old_path, recorded().path, sizeof(old_path));
		if (!cases[n].is_there)
			strrchr(old_path, '.')[-1] ^= 1; /* another generation */
		if (cases[n].fails)
			blob_flaky_fail(env.store, &failure);
		warned = 0;
		env.sealers = is_at_the_end ? NULL : sealers;
		unnamed_media_remove(&env, RECORDING, old_path);
		env.sealers = sealers;
		if (!is_at_the_end)
			until(cases[n].fails ? has_warned : old_is_gone);
		OK(has_warned() == cases[n].fails, "%s%s: told", cases[n].name,
		   is_at_the_end ? ", at the end" : "");
		OK(old_is_gone() != cases[n].fails, "%s%s: gone", cases[n].name,
		   is_at_the_end ? ", at the end" : "");
		blob_flaky_fail(env.store, NULL);
	}
}

int main(void)
{
	one_flight_start();
	test_replaced();
	test_not_written();
	test_overtaken();
	test_deleted_while_sealed();
	test_overtaken_at_the_end();
	test_written_before();
	test_gives_up();
	test_waits_longer();
	test_retried();
	test_retried_once();
	test_off();
	test_kept_file();
	test_counted();
	test_unnamed();
	return one_flight_stop();
}
