#include "catalog/recordings.h"

#include "catalog/attempts.h"
#include "catalog/calls.h"
#include "catalog/catalog_private.h"
#include "catalog/recordings_hold.h"
#include "catalog/removals.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON 1700000000000

static struct err err;
static struct ledger ledger;

static const struct recording_media media = {
	.stored_at_ms = NOON + 9000,
	.generation = 7,
	.generation_at_ms = NOON + 8000,
	.size = 123456,
	.duration_ms = 30500,
	.channels = 2,
	.is_duration_off = true,
	.format = "mp3",
	.path = "3f/CA1.RE1.mp3",
};

static const struct recording_wait wait = {
	.at_ms = NOON + 5000,
	.next_try_at_ms = NOON + 7000,
	.reason_code = "upstream_unavailable",
	.reason_text = "Twilio answered 503",
	.is_counted = true,
};

/* A recording of a call of its own, with that upstream status. */
static struct str add_recording(unsigned n, const char *status, char sid[SID_SIZE])
{
	struct event event;
	struct projection_result result;
	char call_sid[SID_SIZE];

	event_init(&event, EVENT_RECORDING_STATUS, NOON + n);
	event.call_sid = sid_text("CA", n, call_sid);
	event.recording_sid = sid_text("RE", n, sid);
	event.account_sid = STR("AC1");
	event.status = str_of(status);
	event.recording_url = STR("https://example.com/RE");
	event.encryption = STR("{\"type\":\"rsa-aes\"}");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	return str_of(sid);
}

enum mark { WAITING, STORED, ABSENT, DEAD, GONE, PURGED, DELETED, REQUEUE, LOST, EXPIRED, MARKS };

static struct recording found(struct str sid);

static bool mark(struct str sid, enum mark what)
{
	struct recording seen;

	switch (what) {
	case WAITING:
		return recordings_mark_waiting(ledger.writer, sid, &wait, &err);
	case STORED:
		return recordings_mark_stored(ledger.writer, sid, &media, &err);
	case ABSENT:
		return recordings_mark_absent(ledger.writer, sid, 16102, "silent", &err);
	case DEAD:
		return recordings_mark_dead(ledger.writer, sid, "gave_up", "for 24 h", &err);
	case GONE:
		return recordings_mark_gone(ledger.writer, sid, "deleted", &err);
	case PURGED:
		return recordings_mark_purged(ledger.writer, sid, NOON + 20000, &err);
	case DELETED:
		return recordings_mark_deleted(ledger.writer, sid, NOON + 20000, &err);
	case REQUEUE:
		return recordings_requeue(ledger.writer, sid, NOON + 10000, &err);
	case LOST:
		seen = found(sid);
		return recordings_mark_lost(ledger.writer, &seen, NOON + 10000, "it is lost", &err);
	case EXPIRED:
		return recordings_mark_expired(ledger.writer, sid, &err);
	case MARKS:
		break;
	}
	return false;
}

static struct recording found(struct str sid)
{
	struct recording recording;

	MUST(recordings_find(ledger.writer, sid, &recording, &err));
	return recording;
}

/* Leads a fresh recording to a state, each by one lawful change or none. */
static struct str in_state(unsigned n, enum recording_state state, char sid[SID_SIZE])
{
	static const enum mark way[RECORDING_STATES] = {
		[RECORDING_ANNOUNCED] = MARKS, [RECORDING_QUEUED] = MARKS,
		[RECORDING_WAITING] = WAITING, [RECORDING_STORED] = STORED,
		[RECORDING_ABSENT] = ABSENT,   [RECORDING_DEAD] = DEAD,
		[RECORDING_GONE] = GONE,       [RECORDING_PURGED] = STORED,
		[RECORDING_DELETED] = DELETED,
	};

	add_recording(n, state == RECORDING_ANNOUNCED ? "in-progress" : "completed", sid);
	MUST(catalog_begin(ledger.writer, &err));
	if (way[state] != MARKS)
		MUST(mark(str_of(sid), way[state]));
	if (state == RECORDING_PURGED)
		MUST(mark(str_of(sid), PURGED));
	MUST(catalog_commit(ledger.writer, &err));
	return str_of(sid);
}

/* Counters against what counting the rows says. */
static bool counts_are_right(void)
{
	struct catalog_counts counts;
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	int64_t rows[RECORDING_STATES] = { 0 }, bytes = 0;

	MUST(catalog_counts(ledger.writer, &counts, &err));
	MUST(db_prepare(ledger.writer->db,
			"SELECT state, COUNT(*), SUM(size) FROM recordings GROUP BY state", &stmt,
			&err));
	while (db_step(stmt, &err) == DB_ROW) {
		rows[db_column_int(stmt, 0)] = db_column_int(stmt, 1);
		if (db_column_int(stmt, 0) == RECORDING_STORED)
			bytes = db_column_int(stmt, 2);
	}
	return memcmp(rows, counts.recordings, sizeof(rows)) == 0 && bytes == counts.bytes_stored;
}

/* Every change from every state: allowed or ERR_CONFLICT, as the headers say. */
static void test_transitions(void)
{
	static const char allowed[MARKS][RECORDING_STATES + 1] = {
		/* announced queued waiting stored absent dead gone purged deleted */
		[WAITING] = ".+++.....", [STORED] = "+++++++..",  [ABSENT] = "+++......",
		[DEAD] = "+++......",    [GONE] = "+++..+...",    [PURGED] = ".++++++..",
		[DELETED] = "+++++++..", [REQUEUE] = ".++++++..", [LOST] = "...+.....",
		[EXPIRED] = ".++......",
	};
	static const enum recording_state result[MARKS] = {
		[WAITING] = RECORDING_WAITING, [STORED] = RECORDING_STORED,
		[ABSENT] = RECORDING_ABSENT,   [DEAD] = RECORDING_DEAD,
		[GONE] = RECORDING_GONE,       [PURGED] = RECORDING_PURGED,
		[DELETED] = RECORDING_DELETED, [REQUEUE] = RECORDING_QUEUED,
		[LOST] = RECORDING_QUEUED,     [EXPIRED] = RECORDING_WAITING,
	};
	unsigned n = 100;

	for (int what = 0; what < MARKS; what++) {
		for (int from = 0; from < RECORDING_STATES; from++) {
			bool want = allowed[what][from] == '+', done;
			char sid[SID_SIZE], call_sid[SID_SIZE];
			struct recording before, after;
			struct call call;

			in_state(++n, (enum recording_state)from, sid);
			before = found(str_of(sid));
			MUST(catalog_begin(ledger.writer, &err));
			done = mark(str_of(sid), (enum mark)what);
			MUST(catalog_commit(ledger.writer, &err));
			after = found(str_of(sid));
			MUST(calls_find(ledger.writer, sid_text("CA", n, call_sid), &call, &err));
			OK(done == want && (done || err.kind == ERR_CONFLICT) &&
				   after.state ==
					   (want ? result[what] : (enum recording_state)from) &&
				   call.group == recording_state_group(after.state) &&
				   counts_are_right() &&
				   (after.changed_seq > before.changed_seq) ==
					   (want && !(what == REQUEUE && from == RECORDING_QUEUED)),
			   "mark %d from %s: %s", what,
			   recording_state_text((enum recording_state)from),
			   want ? "done, counted, the call follows" : "refused");
			if (want && (what == DEAD || what == GONE))
				IS_INT(after.error_code, 0, "Twilio told no error of it");
		}
	}
}

static void test_fields(void)
{
	char sid[SID_SIZE];
	struct recording recording;
	struct recording_source source = { 0 };

	add_recording(1, "completed", sid);
	recording = found(str_of(sid));
	OK(recording.is_encrypted && recording.channels_wanted == 2 &&
		   recording.queued_at_ms == NOON + 1 && recording.next_try_at_ms == NOON + 1 &&
		   recording.duration_s == -1,
	   "a new one is due at once, in two channels");
	MUST(recordings_find_source(ledger.writer, str_of(sid), &source, &err));
	IS_STR(str_of(source.url), STR("https://example.com/RE"), "its address");
	IS_STR(str_of(source.encryption), STR("{\"type\":\"rsa-aes\"}"), "its encryption");
	IS_STR(str_of(source.track), STR(""), "what was not told is empty");
	recording_source_release(&source);

	MUST(catalog_begin(ledger.writer, &err));
	MUST(mark(str_of(sid), WAITING));
	MUST(recordings_want_channels(ledger.writer, str_of(sid), 1, &err));
	MUST(catalog_commit(ledger.writer, &err));
	recording = found(str_of(sid));
	OK(recording.tries == 1 && recording.next_try_at_ms == NOON + 7000 &&
		   recording.queued_at_ms == NOON + 1 && recording.channels_wanted == 1,
	   "waiting: the try counts, the place in the queue stays");
	IS_STR(str_of(recording.reason_code), STR("upstream_unavailable"), "with its reason");
	IS_STR(str_of(recording.reason_text), STR("Twilio answered 503"), "in words");

	MUST(catalog_begin(ledger.writer, &err));
	MUST(mark(str_of(sid), STORED));
	MUST(catalog_commit(ledger.writer, &err));
	recording = found(str_of(sid));
	OK(recording.size == 123456 && recording.duration_ms == 30500 &&
		   recording.generation == 7 && recording.generation_at_ms == NOON + 8000 &&
		   recording.channels_stored == 2 && recording.is_duration_off &&
		   recording.stored_at_ms == NOON + 9000,
	   "stored: what the media is");
	IS_STR(str_of(recording.sha256), STR(""), "no digest yet");
	IS_STR(str_of(recording.path), STR("3f/CA1.RE1.mp3"), "its place");
	IS_STR(str_of(recording.reason_code), STR(""), "no reason any more");
	OK(!recording.queued_at_ms && !recording.next_try_at_ms, "out of the queue");
}

static void test_refused_media(void)
{
	char sid[SID_SIZE], longer[RECORDING_PATH_SIZE + 1];
	struct recording_media bad;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	add_recording(2, "completed", sid);
	MUST(catalog_begin(ledger.writer, &err));
	bad = media;
	bad.path = longer;
	OK(!recordings_mark_stored(ledger.writer, str_of(sid), &bad, &err) &&
		   err.kind == ERR_INVALID,
	   "a path that does not fit is refused, not cut");
	bad = media;
	bad.path = "";
	OK(!recordings_mark_stored(ledger.writer, str_of(sid), &bad, &err), "and no path");
	OK(!recordings_mark_stored(ledger.writer, STR("RE-none"), &media, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "an unknown recording is ERR_NOT_FOUND");
	catalog_rollback(ledger.writer);
}

static void hold(struct str sid, const char *by, const char *reason)
{
	struct recording_hold one = { str_of(by), NOON + 15000, str_of(reason) };
	bool to_fetch = true;

	MUST(recordings_hold(ledger.writer, sid, &one, &to_fetch, &err));
	OK(!to_fetch, "nothing is fetched for it");
}

static void test_hold(void)
{
	char sid[SID_SIZE];
	struct recording recording;
	struct recording_hold late = { STR(""), NOON + 30000, STR("") };
	bool to_fetch;

	in_state(3, RECORDING_STORED, sid);
	MUST(catalog_begin(ledger.writer, &err));
	hold(str_of(sid), "dana", "a claim");
	recording = found(str_of(sid));
	OK(recording.is_held && recording.hold_since_ms == NOON + 15000 &&
		   strcmp(recording.hold_by, "dana") == 0 &&
		   strcmp(recording.hold_reason, "a claim") == 0,
	   "a hold says who, when and why");
	hold(str_of(sid), "noa", "");
	recording = found(str_of(sid));
	OK(recording.is_held && strcmp(recording.hold_by, "noa") == 0 &&
		   recording.hold_reason[0] == '\0',
	   "the last one counts");
	OK(!mark(str_of(sid), PURGED) && err.kind == ERR_CONFLICT, "a held one is not purged");
	OK(!mark(str_of(sid), DELETED) && err.kind == ERR_CONFLICT, "nor deleted");
	MUST(recordings_lift_hold(ledger.writer, str_of(sid), &err));
	recording = found(str_of(sid));
	OK(!recording.is_held && recording.hold_by[0] == '\0' && recording.hold_since_ms == 0,
	   "lifted, nothing is left of it");
	MUST(recordings_lift_hold(ledger.writer, str_of(sid), &err));
	OK(found(str_of(sid)).changed_seq == recording.changed_seq, "once is enough");
	OK(mark(str_of(sid), PURGED), "and it is purged");
	OK(!recordings_hold(ledger.writer, str_of(sid), &late, &to_fetch, &err) &&
		   err.kind == ERR_CONFLICT,
	   "then there is nothing to hold");
	OK(!recordings_hold(ledger.writer, STR("RE-none"), &late, &to_fetch, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "nor is there of what is not known");
	MUST(catalog_commit(ledger.writer, &err));
	OK(counts_are_right(), "the counters agree");
}

static void test_hold_revives(void)
{
	char sid[SID_SIZE];
	struct recording_hold one = { STR("dana"), NOON + 30000, STR("") };
	bool to_fetch = false;

	in_state(6, RECORDING_WAITING, sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(mark(str_of(sid), EXPIRED));
	MUST(recordings_hold(ledger.writer, str_of(sid), &one, &to_fetch, &err));
	MUST(catalog_commit(ledger.writer, &err));
	OK(to_fetch && found(str_of(sid)).state == RECORDING_QUEUED,
	   "what had expired before it was fetched is fetched when it is held");
}

/* ---- removals ---- */

static size_t removals(struct removal *out, size_t size, int64_t after)
{
	size_t count;

	MUST(removals_list(ledger.writer, after, out, size, &count, &err));
	return count;
}

static bool end_removal(int64_t seq)
{
	bool done;

	MUST(catalog_begin(ledger.writer, &err));
	done = removals_end(ledger.writer, seq, &err);
	MUST(catalog_commit(ledger.writer, &err));
	return done;
}

static void test_removals(void)
{
	struct removal list[100];
	size_t before = removals(list, 100, 0), count;
	int64_t last = list[before - 1].seq, attempt;
	char sid[SID_SIZE], call_sid[SID_SIZE];
	struct attempt_begin begin = { .began_at_ms = NOON };
	struct attempt_end end = { .ended_at_ms = NOON + 1, .outcome = "deleted" };
	struct recording recording;

	OK(before > 0, "what was purged and deleted is listed");
	in_state(7, RECORDING_QUEUED, sid);
	begin.recording_sid = str_of(sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(attempts_begin(ledger.writer, &begin, &attempt, &err));
	MUST(mark(str_of(sid), DELETED));
	MUST(catalog_commit(ledger.writer, &err));
	recording = found(str_of(sid));
	OK(recording.removed_at_ms == NOON + 20000 && recording.next_try_at_ms == 0 &&
		   recording.queued_at_ms == 0 && recording.path[0] == '\0' &&
		   strcmp(recording.reason_code, "recording_deleted") == 0,
	   "deleted: nothing is to be fetched, nothing is here");
	count = removals(list, 100, last);
	OK(count == 1 && strcmp(list[0].recording_sid, sid) == 0 &&
		   str_eq(str_of(list[0].call_sid), sid_text("CA", 7, call_sid)) &&
		   list[0].seq > last,
	   "it is behind those before");
	OK(!end_removal(list[0].seq) && err.kind == ERR_CONFLICT && removals(list, 100, last) == 1,
	   "while an attempt is open it stays");
	end.id = attempt;
	MUST(catalog_begin(ledger.writer, &err));
	MUST(attempts_end(ledger.writer, &end, &err));
	MUST(catalog_commit(ledger.writer, &err));
	OK(end_removal(list[0].seq) && removals(list, 100, last) == 0, "then it goes");
	OK(!end_removal(list[0].seq) && err.kind == ERR_CONFLICT, "once");
}

/* Repairing a stored one puts other bytes in its place. */
static void test_repair(void)
{
	char sid[SID_SIZE];
	struct recording_media other = media;

	in_state(4, RECORDING_STORED, sid);
	other.size = 5;
	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_mark_stored(ledger.writer, str_of(sid), &other, &err));
	MUST(catalog_commit(ledger.writer, &err));
	OK(counts_are_right(), "stored again with another size: bytes are counted once");
}

static void test_stored_fixes_main(void)
{
	char sid[SID_SIZE], call_sid[SID_SIZE];
	struct call call;

	add_recording(5, "in-progress", sid);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(mark(str_of(sid), STORED));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(calls_find(ledger.writer, sid_text("CA", 5, call_sid), &call, &err));
	OK(call.is_main_fixed, "stored without a completed event, it is the main one from then on");
}

static void test_find_main(void)
{
	enum call_recorded what = CALL_RECORDED;
	struct recording recording;
	bool call_on = false;
	struct event event;
	struct projection_result result;

	MUST(recordings_find_main(ledger.writer, STR("CA-none"), &what, &recording, &call_on,
				  &err));
	IS_INT(what, CALL_UNKNOWN, "a call that is not in the ledger");
	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = STR("CA-silent");
	event.status = STR("in-progress");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find_main(ledger.writer, event.call_sid, &what, &recording, &call_on,
				  &err));
	OK(what == CALL_UNRECORDED && call_on, "a call without a recording that is still on");
	event.status = STR("busy");
	ledger_append(&ledger, &event);
	ledger_project(&ledger, &result);
	MUST(recordings_find_main(ledger.writer, event.call_sid, &what, &recording, &call_on,
				  &err));
	OK(what == CALL_UNRECORDED && !call_on, "and one that has ended");
}

static void test_list_of_call(void)
{
	struct recording list[3];
	struct projection_result result;
	size_t count;

	for (unsigned n = 3; n > 0; n--) {
		struct event event;
		char sid[SID_SIZE];

		event_init(&event, EVENT_RECORDING_STATUS, NOON);
		event.call_sid = STR("CA-three");
		event.recording_sid = sid_text("RE", 9000 + n, sid);
		event.started_at_ms = NOON + n;
		event.status = STR("completed");
		ledger_append(&ledger, &event);
	}
	ledger_project(&ledger, &result);
	MUST(recordings_list_of_call(ledger.writer, STR("CA-three"), list, 3, &count, &err));
	OK(count == 3 && list[0].started_at_ms == NOON + 1 && list[2].started_at_ms == NOON + 3,
	   "all recordings of a call, oldest first");
	MUST(recordings_list_of_call(ledger.writer, STR("CA-three"), list, 2, &count, &err));
	IS_INT(count, 2, "as many as fit");
	MUST(recordings_list_of_call(ledger.writer, STR("CA-none"), list, 2, &count, &err));
	IS_INT(count, 0, "none of an unknown call");
}

static void test_list_dead(void)
{
	struct recording_dead page[2];
	char sids[3][SID_SIZE], other[SID_SIZE];
	size_t count;

	for (unsigned i = 0; i < 3; i++)
		in_state(200 + i, RECORDING_DEAD, sids[i]);
	in_state(203, RECORDING_STORED, other);
	MUST(recordings_list_dead(ledger.writer, 0, page, 2, &count, &err));
	IS_INT(count, 2, "a page of dead letters");
	IS_STR(str_of(page[0].recording.recording_sid), str_of(sids[0]), "the oldest first");
	MUST(recordings_list_dead(ledger.writer, page[1].id, page, 2, &count, &err));
	IS_INT(count, 1, "the rest is the next page, and nothing else");
	IS_STR(str_of(page[0].recording.recording_sid), str_of(sids[2]), "from where it ended");
	IS_STR(str_of(page[0].recording.reason_code), STR("gave_up"), "with its reason");
}

/* What was seen of a stored recording may be over by the time that its loss is told. */
static void test_lost(void)
{
	char sid[SID_SIZE];
	struct recording seen, recording;

	in_state(90, RECORDING_STORED, sid);
	seen = found(str_of(sid));
	seen.generation--;
	MUST(catalog_begin(ledger.writer, &err));
	OK(!recordings_mark_lost(ledger.writer, &seen, NOON, "it is lost", &err) &&
		   err.kind == ERR_CONFLICT,
	   "another generation is stored: it is not lost");
	MUST(mark(str_of(sid), LOST));
	MUST(catalog_commit(ledger.writer, &err));
	recording = found(str_of(sid));
	OK(recording.next_try_at_ms == NOON + 10000 && recording.tries == 0 &&
		   recording.first_try_at_ms == 0,
	   "lost: a new round, due at once");
	IS_STR(str_of(recording.reason_code), STR("lost"), "with its reason");
	IS_STR(str_of(recording.reason_text), STR("it is lost"), "in words");
}

static bool was_requeued(struct str sid)
{
	bool was = false;

	MUST(catalog_begin(ledger.writer, &err));
	MUST(recordings_was_requeued(ledger.writer, sid, &was, &err));
	MUST(catalog_commit(ledger.writer, &err));
	return was;
}

/* By who ends an attempt it is asked whether somebody has had it queued anew since. */
static void test_requeued(void)
{
	static const enum recording_state from[] = { RECORDING_QUEUED, RECORDING_WAITING };

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		const char *state = recording_state_text(from[i]);
		struct attempt_begin begin = { .began_at_ms = NOON };
		char sid[SID_SIZE];
		int64_t attempt;

		begin.recording_sid = in_state(91 + (unsigned)i, from[i], sid);
		MUST(catalog_begin(ledger.writer, &err));
		MUST(attempts_begin(ledger.writer, &begin, &attempt, &err));
		MUST(catalog_commit(ledger.writer, &err));
		OK(!was_requeued(str_of(sid)), "%s, and an attempt has begun: it was not", state);
		for (int n = 0; n < 2; n++) {
			MUST(catalog_begin(ledger.writer, &err));
			MUST(mark(str_of(sid), REQUEUE));
			MUST(catalog_commit(ledger.writer, &err));
			OK(was_requeued(str_of(sid)), "%s, and a person wanted it: it was", state);
		}
		MUST(catalog_begin(ledger.writer, &err));
		MUST(mark(str_of(sid), WAITING));
		MUST(catalog_commit(ledger.writer, &err));
		OK(!was_requeued(str_of(sid)), "%s, and it waits since: not any more", state);
	}
	MUST(catalog_begin(ledger.writer, &err));
	OK(!recordings_was_requeued(ledger.writer, STR("RE-none"), &(bool){ false }, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "of one that is not known nobody says so");
	catalog_rollback(ledger.writer);
}

static void test_texts(void)
{
	enum recording_group group;

	for (int i = 0; i < RECORDING_GROUPS; i++)
		OK(recording_group_from_text(str_of(recording_group_text((enum recording_group)i)),
					     &group) &&
			   (int)group == i,
		   "group %d and its text", i);
	OK(!recording_group_from_text(STR("nonsense"), &group), "no such group");
}

int main(void)
{
	ledger_open(&ledger);
	test_list_dead();
	test_requeued();
	test_fields();
	test_refused_media();
	test_hold();
	test_hold_revives();
	test_removals();
	test_repair();
	test_stored_fixes_main();
	test_find_main();
	test_list_of_call();
	test_lost();
	test_transitions();
	test_texts();
	ledger_remove(&ledger);
	return tap_end();
}
