#include "adoption/adoption.h"

#include "catalog/removals.h"
#include "chores/upstream_deletions.h"
#include "flights_fixture.h"

#include <semaphore.h>

#define STAGED (ADOPTION_STAGED_LEAST + 7)

static struct adoption adoption;
static struct str sound;
static bool is_done;

static void adopted(struct adoption *over)
{
	is_done = true;
}

static bool is_over(void)
{
	return is_done;
}

static void start(void)
{
	adoption = (struct adoption){ .recording_sid = RECORDING,
				      .call_sid = CALL,
				      .staged = STAGED,
				      .recorded_at_ms = 1700000000000,
				      .ledger = env.ledger,
				      .store = env.store,
				      .workers = env.sealers,
				      .reply = env.mailbox,
				      .done = adopted };
	is_done = false;
	adoption_start(&adoption);
}

/* What the command does before it asks. */
static struct blob_arriving *copy(struct str bytes)
{
	struct blob_arriving *arriving = NULL;

	must(blob_arriving_open(env.store, STR(RECORDING), STAGED, &arriving, &err) &&
	     blob_arriving_write(arriving, bytes, &err));
	return arriving;
}

static void adopt(struct str bytes)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = copy(bytes);

	start();
	until(is_over);
}

static struct attempt last_attempt(void)
{
	struct attempt attempt = { .id = 0 };
	size_t count;

	must(catalog_begin(reader, &err) &&
	     attempts_list(reader, STR(RECORDING), &attempt, 1, &count, &err));
	catalog_rollback(reader);
	return attempt;
}

static void failed(enum err_kind kind, const char *what)
{
	OK(!adoption.succeeded && adoption.err.kind == kind, "%s: %s", what, adoption.err.text);
}

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct attempt_begin begin = { .recording_sid = STR(RECORDING),
					     .began_at_ms = clock_wall_ms() };
	int64_t id;

	return attempts_begin(catalog, &begin, &id, why);
}

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct attempt_end end = { .id = *(const int64_t *)fixture_write.what,
					 .ended_at_ms = clock_wall_ms(),
					 .outcome = "stalled" };

	return attempts_end(catalog, &end, why);
}

/* A flight's attempt, which has begun, ends. */
static void end_flight(void)
{
	int64_t id = last_attempt().id;

	write_now(run_end, &id);
}

static bool run_purged(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return recordings_mark_purged(catalog, STR(RECORDING), clock_wall_ms(), why);
}

static bool has_file(int64_t generation)
{
	AUTO(free)
	char *path = xasprintf("%s/recordings/3f/" CALL "." RECORDING ".%lld.mp3", folder,
			       (long long)generation);

	return access(path, F_OK) == 0;
}

static void not_audio(void)
{
	int64_t since;

	adopt(STR("{\"error\": \"Failed to fetch recording from Twilio\"}"));
	failed(ERR_INVALID, "an error page");
	IS_INT(recorded().state, RECORDING_ANNOUNCED, "the recording is known, and no more");
	IS_STR(str_of(last_attempt().outcome), STR("not_adopted"), "its attempt has ended");
	since = told_until(env.ledger);
	adopt(str_first(sound, sound.len - 5));
	failed(ERR_INVALID, "one that is cut short");
	OK(was_told(env.ledger, PROJECTED_LET_GO, since), "who waited for its end is told");
	start();
	until(is_over);
	failed(ERR_NOT_FOUND, "nothing was copied");
}

static void being_fetched(void)
{
	write_now(run_begin, NULL);
	adopt(sound);
	failed(ERR_CONFLICT, "while a flight is under way");
	OK(last_attempt().ended_at_ms == 0, "whose attempt goes on");
	end_flight();
}

/* The worker is held up, so that a flight begins in the middle. */
static sem_t gate;

static void run_hold(struct job *job)
{
	while (sem_wait(&gate) != 0)
		continue;
}

static void held(struct job *job)
{
}

static bool is_begun(void)
{
	return adoption.is_begun;
}

static void overtaken(void)
{
	struct job hold = { .run = run_hold, .done = held, .reply = env.mailbox };
	AUTO(blob_arriving_free) struct blob_arriving *arriving = copy(sound);

	sem_init(&gate, 0, 0);
	workers_post(env.sealers, &hold);
	start();
	until(is_begun);
	write_now(run_begin, NULL);
	sem_post(&gate);
	until(is_over);
	sem_destroy(&gate);
	failed(ERR_CONFLICT, "when a flight has begun meanwhile");
	OK(!has_file(adoption.generation), "what was sealed is removed");
	IS_INT(recorded().state, RECORDING_ANNOUNCED, "nothing is stored");
	end_flight();
}

static void disk_full(void)
{
	blob_flaky_fail(env.store, &(struct blob_failure){ BLOB_CALL_SEAL, .count = 1,
							   .kind = ERR_UNAVAILABLE });
	adopt(sound);
	failed(ERR_UNAVAILABLE, "a full disk");
	IS_STR(str_of(last_attempt().outcome), STR("not_adopted"), "its attempt has ended");
}

/* Its client is gone before the ledger has answered: no worker hears of it. */
static void abandoned(void)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = copy(sound);

	start();
	adoption.is_abandoned = true;
	adoption.workers = NULL;
	until(is_over);
	failed(ERR_UNAVAILABLE, "when nobody waits any more");
	IS_STR(str_of(last_attempt().outcome), STR("not_adopted"), "its attempt has ended");
}

static enum upstream_copy upstream_copy(void)
{
	enum upstream_copy found;

	must(catalog_begin(reader, &err) && upstream_copy_find(reader, RECORDING, &found, &err));
	catalog_rollback(reader);
	return found;
}

static void good(void)
{
	struct recording recording;

	adopt(sound);
	OK(adoption.succeeded, "a whole file");
	recording = recorded();
	IS_INT(recording.state, RECORDING_STORED, "is stored");
	IS_INT(recording.generation, adoption.generation, "under the generation that is told");
	IS_INT(recording.generation, last_attempt().id, "which is its attempt's");
	IS_STR(str_of(last_attempt().outcome), STR("adopted"), "that has ended well");
	IS_INT(recording.size, sound.len, "whole");
	OK(recording.duration_ms > 0, "its length is measured");
	IS_STR(str_of(recording.source), STR("adopted"), "it says where it comes from");
	IS_INT(recording.started_at_ms, 1700000000000, "its time is the file's");
	OK(has_file(recording.generation), "the file is there");
	IS_INT(upstream_copy(), UPSTREAM_COPY_NEEDED, "Twilio's copy is not deleted for it");
	adopt(sound);
	failed(ERR_CONFLICT, "a second one");
	IS_INT(recorded().generation, recording.generation, "changes nothing");
	write_now(run_purged, NULL);
	adopt(sound);
	failed(ERR_CONFLICT, "what was purged is not brought back");
}

int main(void)
{
	fixture_start();
	sound = audio_read("mp3-mono-22k.mp3");
	not_audio();
	being_fetched();
	overtaken();
	disk_full();
	abandoned();
	good();
	fixture_stop(NULL);
	free((void *)(uintptr_t)sound.at);
	return tap_end();
}
