#include "flights/flight.h"

#include "catalog/rechecks.h"
#include "flights/recheck.h"
#include "flights_fixture.h"

/* What a flight's owner hears. */
static int landed, turned;
static struct flight_result last;
static struct flight *flight;
static struct str whole; /* the media */

static void flight_landed(struct flight *of)
{
	landed++;
}

static void flight_turned(struct flight *of, const struct flight_result *result)
{
	turned++;
	last = *result;
}

static struct flight_owner owner = { .landed = flight_landed, .turned = flight_turned };

static bool has_turned(void)
{
	return turned > 0;
}

/* One turn, to its end. */
static void fly(void)
{
	turned = landed = 0;
	if (flight->state == FLIGHT_WAITING)
		flight_queue(flight);
	flight_begin(flight);
	until(has_turned);
}

/* A turn in which the upstream answers so. */
static void fly_on(const char *raw, struct str media)
{
	struct answer answer = { MEDIA, raw, THEN_CLOSE };

	server_forget(&server);
	server.media = media;
	server_answers(&answer, 1);
	fly();
}

#define WHOLE   "HTTP/1.1 200 OK\r\nContent-Length: @L\r\n\r\n@M"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct attempt attempts[8]; /* of RECORDING, the newest first */
static size_t attempt_count;

static void read_attempts(void)
{
	must(catalog_begin(reader, &err) &&
	     attempts_list(reader, STR(RECORDING), attempts, ARRAY_LEN(attempts), &attempt_count,
			   &err));
	catalog_rollback(reader);
}

static bool run_requeue(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return recordings_requeue(catalog, STR(RECORDING), clock_wall_ms(), why);
}

/* RECORDING waits to be fetched, and a flight of it has not begun. */
static void begin_anew(void)
{
	flight_free(TAKE(flight));
	write_now(run_requeue, NULL);
	flight_lists_init(&owner.lists);
	flight = flight_new(&env, RECORDING, CALL, ACCOUNT, &owner, FLIGHT_NEW, FLIGHT_QUEUED);
}

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
	IS_STR(str_of(recorded().reason_code), STR("upstream_unavailable"), "and why");
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

static void release(void)
{
	flight_free(flight);
}

int main(void)
{
	int64_t at_ms;

	fixture_start();
	whole = audio_read("mp3-mono-22k.mp3");
	tell_completed(2);
	test_stored();
	OK(!is_planned(&at_ms), "it is not looked at again");
	test_waits();
	test_ends();
	test_resumes();
	test_shorter();
	test_unsynced();
	test_full_disk();
	fixture_stop(release);
	free((char *)(uintptr_t)whole.at);
	return tap_end();
}
