/*
 * What catalog/ and accounts/ say when the database refuses one statement of a change: that it failed, always, the commit at
 * the latest.  The writer rolls back then; told otherwise it would commit half of the change.
 *
 * A table that is renamed within the transaction stands for whatever may be wrong with reading it, a trigger that
 * refuses for what may be wrong with changing it.  Both are gone with the transaction.
 */
#include "accounts/audit.h"
#include "accounts/credentials.h"
#include "accounts/sign_in_failures.h"
#include "catalog/attempts.h"
#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "catalog/catalog_private.h"
#include "catalog/rechecks.h"
#include "catalog/recordings.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_hold.h"
#include "catalog/recordings_queue.h"
#include "catalog/recordings_waveform.h"
#include "catalog/removals.h"
#include "catalog/streams.h"
#include "ledger_fixture.h"
#include "refused_calls.h"
#include "tap.h"

#define NOON 1700000000000

static struct err err;
static struct ledger ledger;
static char call_sid[SID_SIZE], recording_sid[SID_SIZE];
static int64_t chain, open_attempt;

static const struct recording_media media = {
	.stored_at_ms = NOON + 9000,
	.generation = 7,
	.generation_at_ms = NOON + 8000,
	.size = 1234,
	.duration_ms = 3000,
	.channels = 2,
	.format = "mp3",
	.path = "3f/CA1.RE1.7.mp3",
};

static bool append(void)
{
	static unsigned numbers; /* each event is from another */
	char from[32];
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_RECORDING_STATUS, NOON);
	snprintf(from, sizeof(from), "+1555%07u", ++numbers);
	event.call_sid = str_of(call_sid);
	event.recording_sid = str_of(recording_sid);
	event.status = STR("completed");
	event.from = str_of(from);
	return events_append(ledger.writer, &event, &seq, &err);
}

static bool project(void)
{
	static struct projection_result result;

	return projection_run(ledger.writer, PROJECTION_EVENTS_MAX, &result, &err);
}

/* Of a recording and a call that are new. */
static bool append_and_project(void)
{
	char old[2][SID_SIZE];
	bool is_done;

	memcpy(old[0], call_sid, SID_SIZE);
	memcpy(old[1], recording_sid, SID_SIZE);
	sid_text("CA", 3, call_sid);
	sid_text("RE", 3, recording_sid);
	is_done = append() && project();
	memcpy(call_sid, old[0], SID_SIZE);
	memcpy(recording_sid, old[1], SID_SIZE);
	return is_done;
}

static bool wait(void)
{
	static const struct recording_wait wait = {
		.at_ms = NOON,
		.next_try_at_ms = NOON + 1,
		.reason_code = "a",
		.reason_text = "b",
	};

	return recordings_mark_waiting(ledger.writer, str_of(recording_sid), &wait, &err);
}

static bool store(void)
{
	return recordings_mark_stored(ledger.writer, str_of(recording_sid), &media, &err);
}

static bool requeue(void)
{
	return recordings_requeue(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool revive(void)
{
	return queue_revive(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool mark_dead(void)
{
	return recordings_mark_dead(ledger.writer, str_of(recording_sid), "a", "b", &err);
}

static bool mark_gone(void)
{
	return recordings_mark_gone(ledger.writer, str_of(recording_sid), "b", &err);
}

static bool mark_expired(void)
{
	return recordings_mark_expired(ledger.writer, str_of(recording_sid), &err);
}

static bool hold(void)
{
	const struct recording_hold one = { STR("dana"), NOON, STR("a claim") };
	bool to_fetch;

	return recordings_hold(ledger.writer, str_of(recording_sid), &one, &to_fetch, &err);
}

static bool mark_deleted(void)
{
	return recordings_mark_deleted(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool list_removals(void)
{
	static struct removal out[4];
	size_t count;

	return removals_list(ledger.writer, 0, out, ARRAY_LEN(out), &count, &err);
}

static bool end_removal(void)
{
	static struct removal out[4];
	size_t count;
	int64_t closed;

	return attempts_close_open(ledger.writer, ATTEMPTS_OF_ALL, 0, NOON, &closed, &err) &&
	       mark_deleted() &&
	       removals_list(ledger.writer, 0, out, ARRAY_LEN(out), &count, &err) &&
	       removals_end(ledger.writer, out[count - 1].seq, &err);
}

static bool find_recording(void)
{
	struct recording recording;

	return recordings_find(ledger.writer, str_of(recording_sid), &recording, &err);
}

static bool find_call(void)
{
	struct call call;

	return calls_find(ledger.writer, str_of(call_sid), &call, &err);
}

static bool undigested(void)
{
	static struct recording_file out[4];
	size_t count;

	return recordings_undigested(ledger.writer, 0, out, ARRAY_LEN(out), &count, &err);
}

static bool without_waveform(void)
{
	static struct recording_file out[4];
	size_t count;

	return recordings_without_waveform(ledger.writer, 0, out, ARRAY_LEN(out), &count, &err);
}

static bool set_waveform(void)
{
	return recordings_set_waveform(ledger.writer, str_of(recording_sid), media.generation,
				       RECORDING_WAVEFORM_STORED, &err);
}

static bool counts(void)
{
	struct catalog_counts out;

	return catalog_counts(ledger.writer, &out, &err);
}

static bool look_up_turn(void)
{
	return turn_begin(ledger.writer, &err);
}

static bool write_turn(void)
{
	ledger.writer->added[NUMBER_BYTES_STORED]++;
	return turn_end(ledger.writer, &err);
}

static bool remove_turns(void)
{
	ledger.writer->turns_left = 0;
	ledger.writer->turns_kept_from = INT64_MAX;
	return write_turn();
}

static bool next_due(void)
{
	int64_t due_at_ms;

	return queue_next_due(ledger.writer, NOON, &due_at_ms, &err);
}

static bool begin_attempt(void)
{
	const struct attempt_begin begin = { .recording_sid = str_of(recording_sid),
					     .began_at_ms = NOON };
	int64_t id;

	return attempts_begin(ledger.writer, &begin, &id, &err);
}

/* One that is under way ends; the other way round none is. */
static bool end_attempt(void)
{
	const struct attempt_end end = { .id = open_attempt, .ended_at_ms = NOON, .outcome = "a" };

	return attempts_end(ledger.writer, &end, &err);
}

static bool close_attempts(void)
{
	int64_t count;

	return attempts_close_open(ledger.writer, ATTEMPTS_OF_ALL, 0, NOON, &count, &err);
}

static bool list_attempts(void)
{
	static struct attempt out[4];
	size_t count;

	return attempts_list(ledger.writer, str_of(recording_sid), out, ARRAY_LEN(out), &count,
			     &err);
}

static bool mark_absent(void)
{
	return recordings_mark_absent(ledger.writer, str_of(recording_sid), 16101, "b", &err);
}

static bool want_mono(void)
{
	return recordings_want_channels(ledger.writer, str_of(recording_sid), 1, &err);
}

static bool find_main(void)
{
	struct recording recording;
	enum call_recorded found;
	bool is_on;

	return recordings_find_main(ledger.writer, str_of(call_sid), &found, &recording, &is_on,
				    &err);
}

static bool find_source(void)
{
	struct recording_source source = { 0 };
	bool is_found = recordings_find_source(ledger.writer, str_of(recording_sid), &source, &err);

	recording_source_release(&source);
	return is_found;
}

static bool list_of_call(void)
{
	static struct recording out[4];
	size_t count;

	return recordings_list_of_call(ledger.writer, str_of(call_sid), out, ARRAY_LEN(out), &count,
				       &err);
}

static bool claim(void)
{
	static struct queue_row out[QUEUE_CLAIM_MAX];
	const struct queue_claim claim = { .now_ms = NOON * 2, .most = 4, .most_backfill = 2 };
	size_t count;

	return queue_claim(ledger.writer, &claim, out, &count, &err);
}

static bool list_expired(void)
{
	static struct queue_expired out[4];
	size_t count;

	return queue_expired(ledger.writer, 0, out, ARRAY_LEN(out), &count, &err);
}

static bool mend(void)
{
	int64_t count;

	return queue_mend(ledger.writer, 1000, 1000, 4, &count, &err);
}

static bool last_event(void)
{
	int64_t seq;

	return events_last(ledger.writer, &seq, &err);
}

static bool last_webhook(void)
{
	int64_t at_ms;

	return events_last_webhook_at(ledger.writer, 1000, &at_ms, &err);
}

static bool next_recheck(void)
{
	static struct recheck_planned out;
	bool is_found;

	return rechecks_next(ledger.writer, &out, &is_found, &err);
}

static bool set_recheck(void)
{
	return rechecks_set(ledger.writer, str_of(recording_sid), NOON, &err);
}

static bool next_ask(void)
{
	struct call_ask ask;
	bool is_found;

	return call_asks_next(ledger.writer, &ask, &is_found, &err);
}

static bool set_ask(void)
{
	return call_asks_set(ledger.writer, str_of(call_sid), NOON, &err);
}

static bool insert_entry(void)
{
	struct audit_entry entry = { .chain = chain, .seq = 2, .at_ms = NOON, .kind = "b" };

	return audit_insert(ledger.writer, &entry, &err);
}

static bool prune(void)
{
	const struct audit_tail upto = { .chain = chain, .seq = 1, .at_ms = NOON };

	int64_t count;

	return audit_prune(ledger.writer, &upto, &count, &err);
}

static bool add_credential(void)
{
	struct credential_row row = { .kind = CREDENTIAL_TOKEN, .name = "abcdefgh" };

	return credentials_add(ledger.writer, &row, &err);
}

static bool list_credentials(void)
{
	static struct credential_row out[4];
	size_t count;

	return credentials_list(ledger.writer, CREDENTIAL_TOKEN, 0, 0, out, ARRAY_LEN(out), &count,
				&err);
}

/* At an instant at which the oldest are pruned, too. */
static bool add_failure(void)
{
	return sign_in_failures_add(ledger.writer, STR("key"), 0, &err);
}

#define REFUSE(when) \
	"CREATE TEMP TRIGGER refuse BEFORE " when " BEGIN SELECT RAISE(ABORT, 'not now'); END"
#define HIDE(table) "ALTER TABLE " table " RENAME TO hidden"

static const struct {
	const char *fault;
	bool (*attempt)(void);
	const char *name;
} rows[] = {
	{ REFUSE("INSERT ON events"), append, "an event that is not kept" },
	{ REFUSE("INSERT ON recordings"), append_and_project, "a recording not projected" },
	{ REFUSE("INSERT ON call_numbers"), append_and_project, "a number not kept" },
	{ REFUSE("INSERT ON number_parts"), append_and_project, "a part of a number not kept" },
	{ HIDE("call_numbers"), append_and_project, "a number not looked up" },
	{ REFUSE("INSERT ON calls"), append_and_project, "a call not projected" },
	{ HIDE("recordings"), append_and_project, "a recording not looked up" },
	{ HIDE("calls"), append_and_project, "a call not looked up" },
	{ REFUSE("UPDATE ON recordings"), wait, "waiting, not written" },
	{ REFUSE("UPDATE ON recordings"), store, "stored, not written" },
	{ REFUSE("UPDATE ON calls"), store, "stored, not written at its call" },
	{ REFUSE("UPDATE ON recordings"), mark_dead, "dead, not written" },
	{ REFUSE("UPDATE ON recordings"), mark_gone, "gone, not written" },
	{ REFUSE("UPDATE ON recordings"), mark_expired, "expired, not written" },
	{ HIDE("recordings"), store, "stored, not looked up" },
	{ REFUSE("UPDATE ON recordings"), hold, "held, not written" },
	{ HIDE("recordings"), hold, "held, not looked up" },
	{ REFUSE("UPDATE ON recordings"), mark_deleted, "deleted, not written" },
	{ REFUSE("UPDATE ON calls"), mark_deleted, "deleted, not written at its call" },
	{ REFUSE("INSERT ON removals"), mark_deleted, "deleted, its files not noted" },
	{ HIDE("removals"), list_removals, "files that are to go, not listed" },
	{ REFUSE("DELETE ON removals"), end_removal, "files that are gone, not crossed out" },
	{ HIDE("recordings"), find_recording, "a recording not read" },
	{ HIDE("calls"), find_call, "a call not read" },
	{ HIDE("recordings"), undigested, "those without a digest, not read" },
	{ HIDE("recordings"), without_waveform, "those without a waveform, not read" },
	{ HIDE("events"), counts, "events not counted" },
	{ HIDE("turns"), look_up_turn, "the last turn not looked up" },
	{ REFUSE("INSERT ON turns"), write_turn, "a turn not written" },
	{ REFUSE("DELETE ON turns"), remove_turns, "old turns not removed" },
	{ HIDE("recordings"), next_due, "the next that is due, not read" },
	{ REFUSE("INSERT ON attempts"), begin_attempt, "an attempt not begun" },
	{ REFUSE("UPDATE ON attempts"), end_attempt, "an attempt not ended" },
	{ HIDE("attempts"), end_attempt, "an attempt not found" },
	{ REFUSE("UPDATE ON attempts"), close_attempts, "open attempts not closed" },
	{ HIDE("attempts"), list_attempts, "attempts not listed" },
	{ HIDE("recordings"), begin_attempt, "an attempt of what is not looked up" },
	{ REFUSE("UPDATE ON recordings"), mark_absent, "absent, not written" },
	{ REFUSE("UPDATE ON calls"), mark_absent, "absent, not written at its call" },
	{ REFUSE("UPDATE ON recordings"), want_mono, "one channel, not written" },
	{ HIDE("calls"), find_main, "a call's main recording, its call not read" },
	{ HIDE("recordings"), find_main, "a call's main recording, not read" },
	{ HIDE("recordings"), find_source, "a recording's source not read" },
	{ HIDE("recordings"), list_of_call, "a call's recordings not listed" },
	{ HIDE("recordings"), claim, "what is due, not read" },
	{ HIDE("recordings"), list_expired, "what has expired, not listed" },
	{ REFUSE("UPDATE ON recordings"), mend, "instants that are too far away, not mended" },
	{ HIDE("events"), last_event, "the last event not read" },
	{ HIDE("events"), last_webhook, "the last webhook not read" },
	{ HIDE("recordings"), next_recheck, "what is to be looked at again, not read" },
	{ REFUSE("UPDATE ON recordings"), set_recheck, "when to look again, not written" },
	{ HIDE("calls"), next_ask, "the next call to ask for, not read" },
	{ REFUSE("UPDATE ON calls"), set_ask, "when to ask for a call, not written" },
	{ REFUSE("INSERT ON audit"), insert_entry, "an entry of the audit not written" },
	{ REFUSE("UPDATE ON audit_chains"), prune, "where a chain begins, not written" },
	{ REFUSE("DELETE ON audit"), prune, "entries not taken away" },
	{ REFUSE("INSERT ON credentials"), add_credential, "a credential not kept" },
	{ HIDE("credentials"), list_credentials, "credentials not listed" },
	{ REFUSE("INSERT ON sign_in_failures"), add_failure, "a failed sign-in not counted" },
	{ HIDE("sign_in_failures"), add_failure, "a table of failed sign-ins that is gone" },
};

/* PostgreSQL has the same trigger in other words. */
static void make_fault(const char *fault)
{
	struct str what = str_after(str_of(fault), sizeof("CREATE TEMP TRIGGER refuse ") - 1);
	char sql[512];

	if (!on_postgres() || !str_starts(str_of(fault), STR("CREATE TEMP"))) {
		MUST(db_exec(ledger.writer->db, fault, &err));
		return;
	}
	what.len = str_find_str(what, STR(" BEGIN"));
	snprintf(
		sql, sizeof(sql),
		"CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'not now'; END $$ "
		"LANGUAGE plpgsql; CREATE TRIGGER refuse %.*s FOR EACH ROW EXECUTE FUNCTION refuse()",
		STR_ARG(what));
	MUST(db_exec(ledger.writer->db, sql, &err));
}

/* What is deferred is told by the commit. */
static bool is_done(bool (*attempt)(void))
{
	return attempt() && (!on_postgres() || catalog_commit(ledger.writer, &err));
}

static void test_refused(size_t i, const char *when)
{
	MUST(catalog_begin(ledger.writer, &err));
	make_fault(rows[i].fault);
	err_set(&err, ERR_CONFLICT, "not told");
	OK(!is_done(rows[i].attempt), "%s, %s: it says so", rows[i].name, when);
	OK(!str_eq(str_of(err.text), STR("not told")), "%s, %s: with a reason: %s", rows[i].name,
	   when, err.text);
	catalog_rollback(ledger.writer);
}

static void test_fault(size_t i)
{
	MUST(catalog_begin(ledger.writer, &err));
	OK(rows[i].attempt(), "%s: done when nothing is wrong", rows[i].name);
	catalog_rollback(ledger.writer);
	test_refused(i, "its statements prepared");
	ledger_reopen(&ledger);
	test_refused(i, "none prepared");
	if (i == 0 || rows[i].attempt != rows[i - 1].attempt)
		test_each_refused(ledger.writer, rows[i].attempt, &err, rows[i].name);
}

/* Of one that had come to its end. */
static void test_begun_again(bool (*end)(void), bool (*begin_again)(void), const char *name)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(end());
	make_fault(REFUSE("UPDATE ON recordings"));
	OK(!is_done(begin_again), "%s: not written, it says so", name);
	catalog_rollback(ledger.writer);

	MUST(catalog_begin(ledger.writer, &err));
	MUST(end());
	make_fault(REFUSE("UPDATE ON calls"));
	OK(!is_done(begin_again), "%s: not written at its call, it says so", name);
	catalog_rollback(ledger.writer);

	MUST(catalog_begin(ledger.writer, &err));
	MUST(end());
	OK(begin_again(), "%s: done when nothing is wrong", name);
	catalog_rollback(ledger.writer);
}

/* Where the ledger stands cannot be read: no transaction is left open. */
static void test_not_begun(void)
{
	const struct stream_mark first = { .stream = 0, .watermark = 1 };
	bool is_past = true;

	MUST(db_exec(ledger.writer->db, HIDE("turns"), &err));
	OK(!catalog_begin(ledger.writer, &err), "a change does not begin: %s", err.text);
	OK(!stream_is_past(ledger.writer, &first, &is_past, &err),
	   "nor can be told what was projected: %s", err.text);
	MUST(db_exec(ledger.writer->db, "ALTER TABLE hidden RENAME TO turns", &err));
	OK(catalog_begin(ledger.writer, &err), "then it does");
	catalog_rollback(ledger.writer);
}

int main(void)
{
	struct audit_entry entry = { .seq = 1, .at_ms = NOON, .kind = "a" };
	struct attempt_begin begin = { .began_at_ms = NOON };
	struct projection_result result;

	sid_text("CA", 1, call_sid);
	sid_text("RE", 1, recording_sid);
	ledger_open(&ledger);
	MUST(catalog_begin(ledger.writer, &err));
	MUST(append());
	MUST(audit_add_chain(ledger.writer, STR("key"), NOON, &chain, &err));
	entry.chain = chain;
	MUST(audit_insert(ledger.writer, &entry, &err));
	MUST(catalog_commit(ledger.writer, &err));
	ledger_project(&ledger, &result);
	MUST(catalog_begin(ledger.writer, &err));
	begin.recording_sid = str_of(recording_sid);
	MUST(attempts_begin(ledger.writer, &begin, &open_attempt, &err));
	MUST(catalog_commit(ledger.writer, &err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_fault(i);
	test_begun_again(store, set_waveform, "a waveform");
	test_begun_again(mark_dead, requeue, "asked for again");
	test_begun_again(mark_expired, revive, "taken up again");
	test_not_begun();
	ledger_remove(&ledger);
	return tap_end();
}
