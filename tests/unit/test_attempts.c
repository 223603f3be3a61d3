#include "catalog/attempts.h"

#include "catalog/recordings.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON 1700000000000
#define SID  STR("RE00000000000000000000000000000001")

static struct err err;

static void add_recording(struct ledger *ledger)
{
	struct event event;
	struct projection_result result;

	event_init(&event, EVENT_RECORDING_STATUS, NOON);
	event.call_sid = STR("CA00000000000000000000000000000001");
	event.recording_sid = SID;
	event.status = STR("completed");
	ledger_append(ledger, &event);
	ledger_project(ledger, &result);
}

static int64_t begin(struct ledger *ledger, int64_t at_ms, int64_t resumes)
{
	struct attempt_begin attempt = {
		.recording_sid = SID, .began_at_ms = at_ms, .resumes = resumes, .channels = 2
	};
	int64_t id;

	MUST(catalog_begin(ledger->writer, &err));
	MUST(attempts_begin(ledger->writer, &attempt, &id, &err));
	MUST(catalog_commit(ledger->writer, &err));
	return id;
}

static bool end(struct ledger *ledger, int64_t id)
{
	struct attempt_end attempt = { .id = id,
				       .ended_at_ms = NOON + 2000,
				       .outcome = "stalled",
				       .http_status = 200,
				       .bytes = 4096,
				       .detail = "nothing came for 30 s" };
	bool is_ended;

	MUST(catalog_begin(ledger->writer, &err));
	is_ended = attempts_end(ledger->writer, &attempt, &err);
	if (is_ended)
		MUST(catalog_commit(ledger->writer, &err));
	catalog_rollback(ledger->writer);
	return is_ended;
}

static void test_generations(struct ledger *ledger)
{
	struct recording recording;
	struct attempt list[8];
	size_t count;
	int64_t first, second, third;

	first = begin(ledger, NOON + 1000, 0);
	MUST(recordings_find(ledger->writer, SID, &recording, &err));
	OK(recording.generation == first && recording.generation_at_ms == NOON + 1000,
	   "an attempt that begins a file is its generation");
	IS_INT(recording.first_try_at_ms, NOON + 1000, "and begins the round");
	OK(end(ledger, first), "it ends");
	OK(!end(ledger, first) && err.kind == ERR_CONFLICT, "but not twice");
	OK(!end(ledger, 999) && err.kind == ERR_NOT_FOUND, "nor one that never began");

	second = begin(ledger, NOON + 3000, first);
	MUST(recordings_find(ledger->writer, SID, &recording, &err));
	OK(recording.generation == first && recording.generation_at_ms == NOON + 1000,
	   "one that resumes keeps the generation");
	third = begin(ledger, NOON + 4000, 0);
	MUST(recordings_find(ledger->writer, SID, &recording, &err));
	OK(recording.generation == third && third > second, "one that begins anew has another");
	IS_INT(recording.first_try_at_ms, NOON + 1000, "the round is still the same");

	MUST(attempts_list(ledger->writer, SID, list, 8, &count, &err));
	OK(count == 3 && list[0].id == third && list[2].id == first, "newest first");
	OK(list[0].generation == third && list[1].generation == first, "each with its generation");
	OK(list[2].http_status == 200 && list[2].bytes == 4096 &&
		   list[2].ended_at_ms == NOON + 2000 && list[2].channels == 2,
	   "with what came of it");
	IS_STR(str_of(list[2].outcome), STR("stalled"), "in a word");
	IS_STR(str_of(list[2].detail), STR("nothing came for 30 s"), "and in a sentence");
	MUST(attempts_list(ledger->writer, SID, list, 2, &count, &err));
	IS_INT(count, 2, "as many as fit");
}

static void test_crash(struct ledger *ledger)
{
	struct attempt list[8];
	size_t count;
	int64_t closed, before = begin(ledger, NOON + 5000, 0), after;

	ledger_reopen(ledger);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(attempts_close_open(ledger->writer, ATTEMPTS_OF_ALL, 0, NOON + 6000, &closed, &err));
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(closed, 3, "what a crash left open is closed");
	MUST(attempts_list(ledger->writer, SID, list, 8, &count, &err));
	IS_STR(str_of(list[0].outcome), STR("interrupted"), "as interrupted");
	IS_INT(list[0].ended_at_ms, NOON + 6000, "now");
	IS_STR(str_of(list[3].outcome), STR("stalled"), "what had ended is left alone");
	after = begin(ledger, NOON + 7000, 0);
	OK(after > before, "numbers go on after a restart");
}

/* Numbers are not given again even when the newest attempts are no longer there. */
static void test_never_reused(struct ledger *ledger)
{
	int64_t rolled_back, next;
	struct attempt_begin attempt = { .recording_sid = SID, .began_at_ms = NOON };

	MUST(catalog_begin(ledger->writer, &err));
	MUST(attempts_begin(ledger->writer, &attempt, &rolled_back, &err));
	catalog_rollback(ledger->writer);
	next = begin(ledger, NOON, 0);
	/* PostgreSQL does not give it again. */
	OK(next == rolled_back || (on_postgres() && next > rolled_back),
	   "a number whose begin was rolled back was nobody's");
}

static void test_refused(struct ledger *ledger)
{
	static const struct recording_media media = {
		.stored_at_ms = NOON,
		.size = 1,
		.format = "mp3",
		.path = "x",
	};
	struct attempt_begin attempt = { .recording_sid = STR("RE-none"), .began_at_ms = NOON };
	int64_t id;

	MUST(catalog_begin(ledger->writer, &err));
	OK(!attempts_begin(ledger->writer, &attempt, &id, &err) && err.kind == ERR_NOT_FOUND,
	   "an unknown recording has no attempts");
	MUST(recordings_mark_stored(ledger->writer, SID, &media, &err));
	attempt.recording_sid = SID;
	OK(!attempts_begin(ledger->writer, &attempt, &id, &err) && err.kind == ERR_CONFLICT,
	   "a stored one keeps its generation");
	catalog_rollback(ledger->writer);
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	add_recording(&ledger);
	test_generations(&ledger);
	test_crash(&ledger);
	test_never_reused(&ledger);
	test_refused(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
