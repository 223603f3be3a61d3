#include "flights/flight.h"

#include "catalog/rechecks.h"
#include "one_flight.h"

#include <semaphore.h>

static void test_stored(void)
{
	struct recording recording;

	begin_anew();
	fly_on(WHOLE, whole);
	recording = recorded();
	read_attempts();
	IS_INT(flight->state, FLIGHT_STORED, "a whole answer: stored");
	OK(last.is_over && last.meaning == VERDICT_KEPT && landed == 1,
	   "its owner hears that it landed, and is over");
	OK(last.was_sent, "and that Twilio was asked");
	IS_INT(recording.state, RECORDING_STORED, "the ledger says so");
	IS_INT(recording.size, whole.len, "with its size");
	IS_INT(recording.generation, attempts[0].id, "the attempt's number is the generation");
	IS_INT(attempts[0].bytes, whole.len, "what arrived is counted");
	OK(!recording.is_duration_off, "as long as announced");
}

static bool is_planned(int64_t *out_at_ms)
{
	struct recheck_planned planned = { .at_ms = 0 };
	bool found = false;

	must(catalog_begin(reader, &err) && rechecks_next(reader, &planned, &found, &err));
	catalog_rollback(reader);
	*out_at_ms = planned.at_ms;
	return found;
}

/* A turn that ends with nothing stored. */
static void test_waits(void)
{
	begin_anew();
	fly_on("HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	IS_INT(last.meaning, VERDICT_LIMITED, "429: limited");
	OK(last.wait_ms > 0, "Retry-After: 0 is no reason to ask again at once");
	IS_INT(recorded().tries, 0, "no attempt is counted");
	fly_on("HTTP/1.1 503 Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	OK(last.wait_ms > 6000 && last.wait_ms <= 7000, "503 with Retry-After: as long as it says");
	IS_INT(recorded().wait_rule, RECORDING_WAIT_AS_TOLD, "and no play makes it shorter");
	IS_INT(recorded().tries, 1, "which counts");
	OK(flight->reason_text[0] != '\0' && recorded().reason_text[0] != '\0',
	   "players and the ledger hear why");
	fly_on("HTTP/1.1 503 Down\r\nRetry-After: 604800\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	OK(last.wait_ms > 3500000 && last.wait_ms <= 3600000, "a week is not believed: an hour");
	fly_on("HTTP/1.1 503 Down\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	IS_INT(recorded().wait_rule, RECORDING_WAIT_SHORTENED,
	       "no longer than the time between two tries for players: the row needs no such rule");
}

static void test_ends(void)
{
	begin_anew();
	fly_on("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	IS_INT(flight->state, FLIGHT_GONE, "410: gone");
	IS_INT(recorded().state, RECORDING_GONE, "the ledger says so");
	begin_anew();
	fly_on("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n"
	       "{\"code\":16102,\"message\":\"silent\",\"status\":404}",
	       STR_NONE);
	IS_INT(flight->state, FLIGHT_ABSENT, "the code for silence: absent");
	IS_INT(recorded().state, RECORDING_ABSENT, "the ledger says so");
	env.options.give_up_after_ms = 0;
	begin_anew();
	fly_on("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", STR_NONE);
	IS_INT(flight->state, FLIGHT_DEAD, "tried for too long: given up");
	IS_INT(recorded().state, RECORDING_DEAD, "the ledger says so");
	IS_STR(str_of(recorded().reason_code), STR("server_error"), "and why");
	env.options.give_up_after_ms = 3600000;
}

static void test_resumes(void)
{
	int64_t generation;

	begin_anew();
	fly_on("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\nContent-Length: 6191\r\n\r\n@M",
	       str_first(whole, 4000));
	IS_INT(flight->state, FLIGHT_WAITING, "cut: waits");
	generation = flight->generation;
	OK(flight->arrival.file && flight->arrival.file->size == 4000, "what came is kept");
	fly_on("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n"
	       "Content-Range: bytes 4000-6190/6191\r\nContent-Length: 2191\r\n\r\n@M",
	       str_after(whole, 4000));
	OK(strstr(server.all, "Range: bytes=4000-") && strstr(server.all, "If-Range: \"a\""),
	   "the rest is asked for, of the same bytes");
	IS_INT(flight->state, FLIGHT_STORED, "the rest came: stored");
	IS_INT(recorded().generation, generation, "the same generation");
	read_attempts();
	IS_INT(attempts[0].bytes, 2191, "the second attempt's bytes are those that it brought");
	IS_INT(attempts[1].bytes, 4000, "and the first one's");
}

/* No length is told; the second answer, whole by its own framing, is shorter than what is here. */
static void test_shorter(void)
{
	AUTO(free) char *half = xasprintf(CHUNKED "%x\r\n@M\r\n0\r\n\r\n", 3000);
	int64_t generation;

	begin_anew();
	fly_on(CHUNKED "182f\r\n@M\r\n", whole); /* all of it, but not its end */
	IS_INT(flight->state, FLIGHT_WAITING, "no length, and cut: waits");
	generation = flight->generation;
	fly_on(half, str_first(whole, 3000));
	IS_INT(last.meaning, VERDICT_LYING, "a second answer, shorter: not the same bytes");
	IS_INT(recorded().state, RECORDING_WAITING, "nothing is stored");
	fly_on(WHOLE, whole);
	IS_INT(recorded().state, RECORDING_STORED, "a third, whole: stored");
	OK(recorded().generation != generation, "as another generation");
}

static void test_unsynced(void)
{
	struct blob_failure failure = { .call = BLOB_CALL_SEAL, .count = 1, .is_sync = true };
	int64_t generation;

	begin_anew();
	blob_flaky_fail(env.store, &failure);
	fly_on(WHOLE, whole);
	generation = flight->generation;
	IS_INT(last.meaning, VERDICT_OURS, "what came could not be synced: our fault");
	OK(!flight->arrival.file, "it is thrown away");
	IS_INT(recorded().state, RECORDING_WAITING, "and fetched again");
	fly_on(WHOLE, whole);
	IS_INT(recorded().state, RECORDING_STORED, "then it is stored");
	OK(recorded().generation != generation, "as another generation");
	blob_flaky_fail(env.store, NULL);
}

static void test_full_disk(void)
{
	struct blob_failure failure = { .call = BLOB_CALL_WRITE,
					.count = 1,
					.kind = ERR_UNAVAILABLE };

	begin_anew();
	blob_flaky_fail(env.store, &failure);
	fly_on(WHOLE, whole);
	IS_INT(last.meaning, VERDICT_OURS, "the disk filled during the download: our fault");
	OK(last.wait_ms > 20000 && flight->is_pointless,
	   "waits for room; players are told at once");
	IS_INT(recorded().tries, 0, "no attempt is counted");
	read_attempts();
	IS_STR(str_of(attempts[0].outcome), STR("disk_full"), "the attempt says why");
	fly_on(WHOLE, whole);
	IS_INT(recorded().state, RECORDING_STORED, "there is room again: stored");
	blob_flaky_fail(env.store, NULL);
}

#define NOT_FOUND "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
#define METADATA(fields)                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"sid\":\"" RECORDING \
	"\",\"call_sid\":\"" CALL "\",\"account_sid\":\"" ACCOUNT "\"," fields "}"

/* Its media is not found, long after `completed`: the metadata is asked for what that means. */
static void test_metadata(void)
{
	static const struct {
		const char *metadata;
		enum flight_state state;
		int error_code;
		bool is_pointless;
		const char *why;
	} cases[] = {
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", FLIGHT_GONE, 0, true,
		  "no metadata, either: gone" },
		{ METADATA("\"status\":\"deleted\""), FLIGHT_GONE, 0, true, "deleted: gone" },
		{ METADATA("\"status\":\"absent\",\"error_code\":16102"), FLIGHT_ABSENT, 16102,
		  true, "absent, and why" },
		{ METADATA("\"status\":\"absent\",\"error_code\":null"), FLIGHT_ABSENT, 16101, true,
		  "absent without a reason: too short" },
		{ METADATA("\"status\":\"completed\""), FLIGHT_WAITING, 0, true,
		  "completed all the same: asked again, without players waiting" },
		{ METADATA("\"status\":\"processing\""), FLIGHT_WAITING, 0, false,
		  "it is worked on: asked again" },
		{ "HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n", FLIGHT_WAITING, 0, false,
		  "the metadata cannot be had: asked again" },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"sid\":", FLIGHT_WAITING, 0, false,
		  "nor understood: asked again" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answers[] = {
			{ MEDIA, NOT_FOUND, THEN_CLOSE },
			{ API "/Recordings/" RECORDING ".json", cases[i].metadata, THEN_CLOSE },
		};

		begin_anew();
		write_sql("UPDATE recordings SET completed_at_ms = completed_at_ms - 3600000, "
			  "error_code = NULL");
		server_forget(&server);
		server_answers(answers, ARRAY_LEN(answers));
		fly();
		IS_INT(flight->state, cases[i].state, "%s", cases[i].why);
		IS_INT(flight->is_pointless, cases[i].is_pointless, "whether players wait");
		IS_INT(recorded().error_code, cases[i].error_code, "its error code");
		IS_INT(server.requests, 2, "the metadata was asked for once");
	}
	begin_anew();
	write_sql(
		"UPDATE recordings SET completed_at_ms = 1000 * CAST(strftime('%s', 'now') AS INTEGER)");
	fly_on(NOT_FOUND, STR_NONE);
	IS_INT(last.meaning, VERDICT_NOT_READY, "so soon after `completed`: not ready yet");
	IS_INT(server.requests, 1, "nothing is asked");
}

static bool is_there(void)
{
	return flight->state == FLIGHT_CHECKING;
}

static bool it_flows(void)
{
	return flight->state == FLIGHT_ARRIVING;
}

/* The states while bytes come, and the counters that go with them. */
static void test_arriving(void)
{
	begin_anew();
	IS_INT(owner.lists.count[FLIGHT_QUEUED], 1, "queued");
	upstream_answers("HTTP/1.1 200 OK\r\nContent-Length: 6191\r\n\r\n@M", str_first(whole, 2),
			 THEN_HANG);
	fly_begin();
	OK(flight->state == FLIGHT_ASKING && flight_lists_flying(&owner.lists) == 1,
	   "asking: it holds a slot");
	OK(flight->last_try_at_ms == loop_now_ms(env.loop), "since now");
	until(is_there);
	IS_INT(turned, 0, "two bytes are not enough to tell: checking");
	begin_anew();
	upstream_answers("HTTP/1.1 200 OK\r\nContent-Length: 6191\r\n\r\n@M",
			 str_first(whole, 3000), THEN_HANG);
	fly_begin();
	until(it_flows);
	OK(flight_lists_flying(&owner.lists) == 1 && landed == 0, "enough of them are: arriving");
	IS_STR(str_of(flight->call_sid), STR(CALL), "its call");
	IS_INT(flight->retained.started_at_ms, recorded().started_at_ms, "its start");
	OK(flight->generation > 0 && flight->generation_at_ms > 0, "its generation");
}

/* It would be purged at once. */
static void test_too_old(void)
{
	struct retention_rules rules = retention_rules_of(1000);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);

	env.options.retention = retention;
	begin_anew();
	read_attempts();

	size_t count = attempt_count;

	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_GONE && server.requests == 0 && !last.was_sent,
	   "older than recordings are kept: not fetched");
	OK(recorded().state == RECORDING_WAITING && recorded().next_try_at_ms == RECORDING_NEVER,
	   "it waits for a longer retention");
	IS_STR(str_of(flight->reason_code), STR(""), "players ask the ledger why");
	read_attempts();
	IS_INT(attempt_count, count, "it is no attempt");
	begin_anew();
	write_sql("UPDATE recordings SET is_held = 1");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_STORED && flight->retained.is_held, "what is held is fetched");
	write_sql("UPDATE recordings SET is_held = 0, started_at_ms = NULL");
	begin_anew();
	fly_on(WHOLE, whole);
	IS_INT(flight->state, FLIGHT_STORED, "and what has no known start");
	env.options.retention = NULL;
}

static void test_not_begun(void)
{
	struct blob_failure no_file = { .call = BLOB_CALL_ARRIVING_OPEN,
					.count = 1,
					.kind = ERR_SCARCE };
	struct blob_failure no_reader = { .call = BLOB_CALL_READER,
					  .count = 1,
					  .kind = ERR_UNAVAILABLE };

	begin_anew();
	write_sql("UPDATE recordings SET account_sid = 'AC00000000000000000000000000000009'");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_WAITING && strstr(flight->reason_text, "not in our settings"),
	   "an account that we do not know: waits, and says so");
	write_sql("UPDATE recordings SET account_sid = '" ACCOUNT "'");
	blob_flaky_fail(env.store, &no_file);
	fly_on(WHOLE, whole);
	OK(last.meaning == VERDICT_OURS && server.requests == 0 && !last.was_sent,
	   "no file: our fault, nobody is asked");
	read_attempts();
	IS_STR(str_of(attempts[0].outcome), STR("no_descriptor"), "the attempt says why");
	blob_flaky_fail(env.store, &no_reader);
	fly_on(WHOLE, whole);
	read_attempts();
	IS_STR(str_of(attempts[0].outcome), STR("disk_full"),
	       "no descriptor to read it by: the same");
	blob_flaky_fail(env.store, NULL);
	fly_on(WHOLE, whole);
	IS_INT(flight->state, FLIGHT_STORED, "both can be had: stored");
}

/* The ledger cannot be written when the turn begins. */
static void test_no_ledger(void)
{
	begin_anew();
	write_sql("ALTER TABLE attempts RENAME TO elsewhere");
	fly_on(WHOLE, whole);
	OK(flight->state == FLIGHT_WAITING && last.wait_ms == 30000 && !last.is_in_ledger,
	   "no attempt can be begun: again in 30 s, which the ledger does not know");
	IS_INT(server.requests, 0, "nobody is asked");
	write_sql("ALTER TABLE elsewhere RENAME TO attempts");
	fly_on(WHOLE, whole);
	IS_INT(flight->state, FLIGHT_STORED, "it can: stored");
}

/* ---- a try that is rolled back ---- */

/* The writer is at it, and goes on: what is posted in between is one batch. */
static sem_t is_held, go_on;
static struct ledger_job held, deleted, refused;
static unsigned deletions, refusals, answers;

static bool run_held(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	sem_post(&is_held);
	while (sem_wait(&go_on) != 0)
		continue;
	return true;
}

static bool run_deleted(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return deletions++ == 0 ||
	       db_exec(catalog->db, "UPDATE recordings SET state = 8, next_try_at_ms = NULL", why);
}

/* Takes the batch back with it; then it begins what has the number that the flight's attempt had. */
static bool run_refused(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct attempt_begin begin = { .recording_sid = STR(RECORDING),
					     .began_at_ms = clock_wall_ms() };
	int64_t id;

	if (refusals++ == 0)
		return err_set(why, ERR_INVALID, "not together");
	return attempts_begin(catalog, &begin, &id, why);
}

static void answered(struct ledger_job *job)
{
	answers++;
}

static void post(struct ledger_job *job,
		 bool (*run)(struct ledger_job *job, struct catalog *catalog, struct err *why))
{
	*job = (struct ledger_job){ .run = run, .done = answered, .reply = env.mailbox };
	ledger_write(env.ledger, job);
}

static bool all_is_over(void)
{
	return answers == 3 && turned > 0;
}

/* Its begin was rolled back with the batch, and when it ran again the recording was deleted. */
static void test_rolled_back(void)
{
	begin_anew();
	upstream_answers(WHOLE, whole, THEN_CLOSE);
	sem_init(&is_held, 0, 0);
	sem_init(&go_on, 0, 0);
	post(&held, run_held);
	while (sem_wait(&is_held) != 0)
		continue;
	post(&deleted, run_deleted);
	fly_begin();
	post(&refused, run_refused);
	sem_post(&go_on);
	until(all_is_over);
	sem_destroy(&is_held);
	sem_destroy(&go_on);
	OK(flight->state == FLIGHT_GONE && server.requests == 0, "deleted meanwhile: not fetched");
	read_attempts();
	OK(deletions == 2 && refusals == 2 && attempt_count > 0 && attempts[0].ended_at_ms == 0,
	   "an attempt that has its number now is not ended for it");
	write_sql("UPDATE attempts SET ended_at_ms = 1 WHERE ended_at_ms IS NULL; "
		  "UPDATE recordings SET state = 5");
}

/* A turn that cannot be taken. */
static void test_held_back(void)
{
	begin_anew();
	flight_hold_back(flight, "upstream_refused", "Twilio refuses our credentials.");
	OK(flight->state == FLIGHT_WAITING && owner.lists.count[FLIGHT_WAITING] == 1 &&
		   owner.lists.count[FLIGHT_QUEUED] == 0,
	   "held back: waits");
	IS_STR(str_of(flight->reason_code), STR("upstream_refused"), "says why");
	OK(flight->is_pointless, "players need not wait");
	flight_queue(flight);
	OK(flight->state == FLIGHT_QUEUED && owner.lists.count[FLIGHT_QUEUED] == 1, "queued again");
}

int main(void)
{
	int64_t at_ms;

	one_flight_start();
	test_stored();
	OK(!is_planned(&at_ms), "it is not looked at again");
	test_waits();
	test_ends();
	test_resumes();
	test_shorter();
	test_unsynced();
	test_full_disk();
	test_metadata();
	test_arriving();
	test_too_old();
	test_not_begun();
	test_no_ledger();
	test_rolled_back();
	test_held_back();
	return one_flight_stop();
}
