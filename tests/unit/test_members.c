/*
 * Several processes on one ledger: who lives, who is buried, and which of them fetches what.  Run by tests/tools/postgres.
 */
#include "base/clock.h"
#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "catalog/silent_holders.h"
#include "cluster/leases.h"
#include "cluster/listening.h"
#include "cluster/members.h"
#include "cluster/roll.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <pthread.h>

#define NOON       1700000000000
#define RECORDINGS 40

static struct err err;
static struct ledger ledger;

struct process {
	struct catalog *writer, *quick, *pulse;
	struct members members;
};

static void process_start(struct process *process, const char *place)
{
	const struct member_place where = { .name = place };

	*process = (struct process){ .writer = NULL };
	MUST(catalog_open(ledger.path, CATALOG_WRITE, &process->writer, &err));
	MUST(members_enlist(process->writer, &where, NOON, &err));
	MUST(catalog_open(ledger.path, CATALOG_QUICK, &process->quick, &err));
	MUST(catalog_open(ledger.path, CATALOG_WRITE, &process->pulse, &err));
	catalog_enlist_as(process->quick, catalog_process(process->writer), place);
	catalog_enlist_as(process->pulse, catalog_process(process->writer), place);
	OK(process->pulse->writer_id != process->writer->writer_id,
	   "a turn of the pulse is not taken for one of the writer");
}

static void process_end(struct process *process)
{
	catalog_free(process->quick);
	catalog_free(process->pulse);
	catalog_free(process->writer);
}

static int64_t count(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(ledger.writer->db, sql, &stmt, &err));
	return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
}

static void exec(const char *sql)
{
	MUST(db_exec(ledger.writer->db, sql, &err));
}

static bool write_something(struct catalog *catalog)
{
	if (!catalog_begin(catalog, &err))
		return false;
	(void)catalog_next_sequence(catalog);
	return catalog_commit(catalog, &err);
}

static int64_t suspect; /* at whose address nobody listens; 0: nobody */

/* What a pulse does with a beat. */
static bool beat(struct process *process)
{
	const struct member *dead;
	bool was_buried = false;

	MUST(members_beat(process->pulse, &process->members, &err));
	dead = members_find_dead(&process->members, suspect);
	if (!dead)
		return false;
	MUST(catalog_begin(process->pulse, &err));
	MUST(member_bury(process->pulse, dead, NOON, &was_buried, &err));
	MUST(catalog_commit(process->pulse, &err));
	return was_buried;
}

static void test_burial(void)
{
	struct process first, second;
	struct members own = { .count = 0 };
	unsigned beats = 0;
	bool is_alive;
	int64_t sequence;

	process_start(&first, "first");
	process_start(&second, "second");
	OK(!beat(&first) && first.members.is_eldest, "the first is the eldest");
	OK(!beat(&second) && !second.members.is_eldest && second.members.count == 1,
	   "the second knows of it");
	for (int i = 0; i < 3 * MEMBER_BEATS; i++) {
		bool was_buried = beat(&first);

		was_buried |= beat(&second);
		beats += was_buried;
	}
	IS_INT(beats, 0, "who beats is not buried");
	for (int i = 0; i < MEMBER_BEATS - 1; i++)
		beats += beat(&second);
	OK(beats == 0 && !beat(&first), "one that was silent nearly too long beats");
	for (beats = 1; beats < 30 && !beat(&second); beats++)
		;
	IS_INT(beats, MEMBER_BEATS + 1, "and is buried after as many as that, counted anew");
	IS_INT(count("SELECT (split_part(changes, ' ', 1))::bigint FROM turns "
		     "ORDER BY seq DESC LIMIT 1"),
	       PROJECTED_TO_FETCH | PROJECTED_LET_GO,
	       "who waited for what it fetched, or for its end, is told");
	OK(members_look(first.pulse, &sequence, &is_alive, &err) && !is_alive, "it can see it");
	OK(!members_beat(first.pulse, &own, &err) && err.kind == ERR_CONFLICT, "and is told: %s",
	   err.text);
	OK(!write_something(first.writer) && err.kind == ERR_UNAVAILABLE, "it commits nothing: %s",
	   err.text);
	MUST(members_beat(second.pulse, &second.members, &err));
	OK(second.members.is_eldest && second.members.count == 0, "the other is the eldest");
	MUST(members_enlist(first.writer, &(struct member_place){ .name = "first" }, NOON, &err));
	OK(write_something(first.writer), "it begins anew: %s", err.text);
	process_end(&first);
	process_start(&first, "first");
	IS_INT(count("SELECT COUNT(*) FROM processes WHERE place = 'first'"), 1,
	       "whoever comes in the same place takes it");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes");
}

static bool append_something(struct catalog *catalog)
{
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = STR("CAnumber");
	if (!catalog_begin(catalog, &err))
		return false;
	if (events_append(catalog, &event, &seq, &err))
		return catalog_commit(catalog, &err);
	catalog_rollback(catalog);
	return false;
}

/* A server that took over had not heard of the first, and gave its number to the second. */
static void test_number_given_again(void)
{
	struct process first;
	bool is_alive;
	int64_t sequence, number;

	process_start(&first, "first");
	number = catalog_process(first.writer);
	MUST(write_something(first.writer) && append_something(first.quick));
	exec("UPDATE processes SET place = 'second' WHERE place = 'first'");
	OK(members_look(first.pulse, &sequence, &is_alive, &err) && !is_alive,
	   "the row with its number is not its own: it is no more");
	OK(!members_beat(first.pulse, &first.members, &err) && err.kind == ERR_CONFLICT,
	   "it does not beat for the other: %s", err.text);
	IS_INT(count("SELECT beat FROM processes"), 0, "whose beat stands as it was");
	OK(!write_something(first.writer) && err.kind == ERR_UNAVAILABLE, "it has no turn: %s",
	   err.text);
	OK(!append_something(first.quick) && err.kind == ERR_UNAVAILABLE, "and no event: %s",
	   err.text);
	MUST(members_enlist(first.writer, &(struct member_place){ .name = "first" }, NOON, &err));
	OK(write_something(first.writer) && catalog_process(first.writer) != number,
	   "it begins anew: %s", err.text);
	catalog_enlist_as(first.quick, number, "second");
	OK(append_something(first.quick), "and the other goes on under it: %s", err.text);
	exec("DELETE FROM events");
	process_end(&first);
	exec("DELETE FROM processes");
}

/* Where it was asked nobody listens: it is buried sooner, and not while it beats. */
static void test_suspect(void)
{
	struct process first, second;
	unsigned beats;

	process_start(&first, "first");
	process_start(&second, "second");
	suspect = catalog_process(first.writer);
	for (int i = 0; i < 3 * MEMBER_BEATS; i++)
		OK(!beat(&first) && !beat(&second),
		   "whoever beats is not buried, whatever is said of it");
	for (beats = 1; beats < 30 && !beat(&second); beats++)
		;
	IS_INT(beats, MEMBER_BEATS_SUSPECTED, "it stands still: buried after so many");
	suspect = 0;
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes");
}

/* It stands still in the middle of a quick transaction: the server ends its session, and then its stream is final. */
static void test_burial_inside_quick(void)
{
	struct process first, second;
	char sid[SID_SIZE];
	struct event event;
	int64_t seq;

	process_start(&first, "first");
	process_start(&second, "second");
	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = sid_text("CA", 999, sid);
	MUST(catalog_begin(first.quick, &err));
	MUST(events_append(first.quick, &event, &seq, &err) && db_catch_up(first.quick->db, &err));
	for (int i = 0; i < 30 && !beat(&second); i++)
		;
	IS_INT(count("SELECT COUNT(*) FROM processes"), 1, "it is buried");
	OK(!catalog_commit(first.quick, &err), "it wakes, and commits nothing: %s", err.text);
	IS_INT(count("SELECT COUNT(*) FROM events WHERE call_sid LIKE '%3e7'"), 0,
	       "its event is not there");
	MUST(!catalog_begin(first.quick, &err) ||
	     !(events_append(first.quick, &event, &seq, &err) &&
	       catalog_commit(first.quick, &err)));
	catalog_rollback(first.quick);
	IS_INT(count("SELECT COUNT(*) FROM events WHERE call_sid LIKE '%3e7'"), 0,
	       "nor when it tries again");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes");
}

/* More than is kept back until somebody asks: the server has half of it, and waits for the rest without a limit. */
static void send_half(struct catalog *catalog)
{
	static char raw[2000];
	struct event event;
	int64_t seq;

	memset(raw, 'x', sizeof(raw));
	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = STR("CAhalf");
	event.raw = (struct str){ raw, sizeof(raw) };
	MUST(catalog_begin(catalog, &err));
	for (int i = 0; i < 40; i++)
		MUST(events_append(catalog, &event, &seq, &err));
}

static void test_silent_within_quick(void)
{
	struct process first, second;
	bool was_buried = false;

	process_start(&first, "first");
	process_start(&second, "second");
	send_half(first.quick);
	for (int i = 0; i < 30 && !was_buried; i++) {
		const struct member *dead;

		MUST(members_beat(second.pulse, &second.members, &err));
		dead = members_find_dead(&second.members, 0);
		if (!dead)
			continue;
		MUST(catalog_begin(second.pulse, &err));
		if (member_bury(second.pulse, dead, NOON, &was_buried, &err)) {
			MUST(catalog_commit(second.pulse, &err));
		} else {
			catalog_rollback(second.pulse);
			silent_holders_end(second.pulse);
		}
	}
	OK(was_buried, "it stands still within half of a transaction: it is buried: %s", err.text);
	OK(!catalog_commit(first.quick, &err), "and commits nothing: %s", err.text);
	catalog_rollback(first.quick);
	IS_INT(count("SELECT COUNT(*) FROM events WHERE call_sid = 'CAhalf'"), 0,
	       "nothing of it is there");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes");
}

static void test_silent_within_turn(void)
{
	struct process first, second;
	unsigned tries = 1;

	process_start(&first, "first");
	process_start(&second, "second");
	send_half(first.writer);
	while (tries < 4 && !catalog_begin(second.writer, &err))
		tries++;
	OK(tries == 2, "half of a turn is waited for once: %u, %s", tries, err.text);
	catalog_rollback(second.writer);
	OK(!catalog_commit(first.writer, &err), "it was put out: %s", err.text);
	OK(write_something(first.writer), "and goes on: %s", err.text);
	exec("DELETE FROM events");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes");
}

/* ---- the roll ---- */

static void test_roll(void)
{
	struct process first, second;
	struct durability durability;
	struct roll roll;
	struct roll_sums sums;
	struct event event;
	char sid[SID_SIZE];
	int64_t seq;

	process_start(&first, "first");
	process_start(&second, "second");
	IS_INT(count("SELECT COUNT(*) FROM processes WHERE version = '" CALLSPOOL_VERSION
		     "' AND started_at_ms > 0 AND beat = 0 AND schema_known = "
		     "(SELECT MAX(version) FROM schema_version)"),
	       2, "each says of which version it is, and which schema it knows");
	first.members.own.hears = true;
	OK(!beat(&first) && first.members.own.is_clock_known, "a beat measures the clock");
	MUST(roll_read(first.pulse, &roll, &err));
	OK(roll.count == 2 && !roll.at[0].standing.is_clock_known && roll.at[0].standing.hears,
	   "and tells what it knew before");
	OK(!beat(&first), "the next one tells it");
	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = sid_text("CA", 998, sid);
	MUST(catalog_begin(second.quick, &err));
	MUST(events_append(second.quick, &event, &seq, &err) && catalog_commit(second.quick, &err));
	MUST(roll_read(first.pulse, &roll, &err));
	IS_STR(str_of(roll.at[0].place), STR("first"), "by number");
	OK(roll.at[0].standing.is_clock_known && roll.at[0].standing.prepares &&
		   roll.at[0].standing.clock_ahead_ms > -1000 &&
		   roll.at[0].standing.clock_ahead_ms < 1000,
	   "the clock of this machine is that of its server: %lld ms",
	   (long long)roll.at[0].standing.clock_ahead_ms);
	OK(roll.at[0].events_waiting == 0 && roll.at[1].events_waiting == 1 &&
		   roll.streams_behind == 1,
	   "an event that is not projected is of whom it was told to");
	MUST(roll_count(first.pulse, roll.at[1].id, &sums, &err));
	OK(sums.processes == 2 && sums.leases == 0 && sums.streams_behind == 1, "and the sums");
	MUST(durability_read(first.pulse, &durability, &err));
	OK(durability.has_fsync && !durability.standby_names[0] && durability.standbys == 0,
	   "what the server's promise rests on: %s", durability.server_version);
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes; DELETE FROM events");
}

/* ---- leases ---- */

/*
 * A transaction that stays open while others are at work.  The server would end it after two seconds in which nothing comes, and
 * on a machine that is busy with other things that is how long the others may take.
 */
static void begin_and_stay(struct catalog *catalog)
{
	MUST(catalog_begin(catalog, &err));
	MUST(db_exec(catalog->db, "SET LOCAL idle_in_transaction_session_timeout = '60s'", &err));
}

static void queue_recordings(void)
{
	struct projection_result result;

	for (unsigned i = 0; i < RECORDINGS; i++) {
		char call_sid[SID_SIZE], recording_sid[SID_SIZE];
		struct event event;

		event_init(&event, EVENT_RECORDING_STATUS, NOON);
		event.call_sid = sid_text("CA", i, call_sid);
		event.recording_sid = sid_text("RE", i, recording_sid);
		event.account_sid = STR("ACa");
		event.status = STR("completed");
		ledger_append(&ledger, &event);
	}
	ledger_project(&ledger, &result);
}

static bool passed_over; /* by the last claim */
static unsigned begun;   /* attempts, by the last claim */

static size_t claim(struct catalog *catalog, unsigned most, struct queue_row *out)
{
	const struct queue_claim wanted = { .now_ms = NOON + 1000000,
					    .most = most,
					    .most_backfill = most };
	struct leases_asked asked = { NULL, NULL };
	size_t n = 0;

	MUST(leases_claim(catalog, &wanted, out, &n, &asked, &err));
	MUST(leases_had(&wanted, &asked, out, &n, &passed_over, &err));
	begun = 0;
	for (size_t i = 0; i < n; i++) {
		begun += out[i].begun != NULL;
		lease_begun_free(TAKE(out[i].begun));
	}
	return n;
}

static size_t claim_alone(struct catalog *catalog, unsigned most, struct queue_row *out)
{
	size_t n;

	MUST(catalog_begin(catalog, &err));
	n = claim(catalog, most, out);
	MUST(catalog_commit(catalog, &err));
	return n;
}

static bool has_one_of(const struct queue_row *a, size_t a_count, const struct queue_row *b,
		       size_t b_count)
{
	for (size_t i = 0; i < a_count; i++)
		for (size_t j = 0; j < b_count; j++)
			if (a[i].id == b[j].id)
				return true;
	return false;
}

static bool take(struct catalog *catalog, const char *recording_sid)
{
	bool is_ours = false;

	MUST(catalog_begin(catalog, &err));
	MUST(lease_take(catalog, str_of(recording_sid), NOON, &is_ours, &err));
	MUST(catalog_commit(catalog, &err));
	return is_ours;
}

static struct lease_holder holder_of(const char *recording_sid)
{
	struct lease_holder holder;

	MUST(catalog_begin(ledger.writer, &err));
	MUST(lease_find_holder(ledger.writer, str_of(recording_sid), &holder, &err));
	catalog_rollback(ledger.writer);
	return holder;
}

/* Whoever has the lease, and where it is asked. */
static void test_holder(void)
{
	const struct member_place place = { .name = "first",
					    .address = "10.0.0.5:8081",
					    .token = "abc" };
	const char *sid = "RE00000000000000000000000000000003";
	struct lease_holder holder;
	struct process first, second;

	process_start(&first, "first");
	process_start(&second, "second");
	exec("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
	     "'BEGIN RAISE EXCEPTION ''no more''; END'; "
	     "CREATE TRIGGER refuse BEFORE UPDATE ON processes FOR EACH ROW EXECUTE FUNCTION refuse()");
	OK(members_enlist(first.writer, &place, NOON, &err),
	   "who is enlisted has told where it is asked: %s", err.text);
	exec("DROP TRIGGER refuse ON processes; DROP FUNCTION refuse");
	OK(holder_of(sid).process_id == 0, "nobody fetches it");
	OK(take(first.writer, sid), "one does");
	holder = holder_of(sid);
	IS_INT(holder.process_id, catalog_process(first.writer), "it is said who");
	IS_STR(str_of(holder.address), STR("10.0.0.5:8081"), "where it is asked");
	IS_STR(str_of(holder.token), STR("abc"), "and by what");
	sid = "RE00000000000000000000000000000004";
	OK(take(second.writer, sid), "another fetches another one");
	holder = holder_of(sid);
	OK(holder.process_id == catalog_process(second.writer) && holder.address[0] == '\0' &&
		   holder.token[0] == '\0',
	   "which cannot be asked");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes; DELETE FROM leases");
}

static bool end(struct catalog *catalog, const char *recording_sid)
{
	if (!catalog_begin(catalog, &err))
		return false;
	if (lease_end(catalog, str_of(recording_sid), &err))
		return catalog_commit(catalog, &err);
	catalog_rollback(catalog);
	return false;
}

/* Whether a player who waits has it tried before its time: of a ledger without processes, where no other has it. */
static void test_just_tried(void)
{
	static const struct {
		const char *name;
		enum recording_state state;
		int64_t since_ms, next_ms; /* from NOON */
		enum recording_wait_rule rule;
		int64_t pause_ms;
		bool is_elsewhere;
	} cases[] = {
		{ "just now, within the pause", RECORDING_WAITING, 0, 9000, 0, 100, true },
		{ "nearly as long ago as the pause", RECORDING_WAITING, -99, 9000, 0, 100, true },
		{ "as long ago", RECORDING_WAITING, -100, 9000, 0, 100, false },
		{ "by a clock that was ahead", RECORDING_WAITING, 1, 9000, 0, 100, false },
		{ "without a pause", RECORDING_WAITING, 0, 9000, 0, 0, false },
		{ "it is its time", RECORDING_WAITING, -1, 0, 0, 100, false },
		{ "it is nearly its time", RECORDING_WAITING, -1, 1, 0, 100, true },
		{ "it does not wait", RECORDING_QUEUED, 0, 9000, 0, 100, false },
		{ "it was told how long to wait", RECORDING_WAITING, -5000, 9000,
		  RECORDING_WAIT_AS_TOLD, 100, true },
		{ "told so, and that is over", RECORDING_WAITING, -5000, 0, RECORDING_WAIT_AS_TOLD,
		  100, false },
		{ "told so, and nobody is to pause", RECORDING_WAITING, -5000, 9000,
		  RECORDING_WAIT_AS_TOLD, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct recording recording = { .recording_sid = "RE1",
						     .state = cases[i].state,
						     .waiting_since_ms = NOON + cases[i].since_ms,
						     .next_try_at_ms = NOON + cases[i].next_ms,
						     .wait_rule = cases[i].rule };
		bool is_elsewhere = !cases[i].is_elsewhere;

		MUST(lease_begin(ledger.writer, &recording, NOON, cases[i].pause_ms, &is_elsewhere,
				 &err));
		OK(is_elsewhere == cases[i].is_elsewhere, "it failed %s: %s", cases[i].name,
		   is_elsewhere ? "not now" : "it is tried");
	}
}

static void test_claims(void)
{
	struct process first, second;
	struct queue_row a[RECORDINGS], b[RECORDINGS];
	size_t a_count, b_count;
	struct lease_row own[RECORDINGS];

	queue_recordings();
	process_start(&first, "first");
	process_start(&second, "second");
	begin_and_stay(first.quick);
	a_count = claim(first.quick, 10, a);
	b_count = claim_alone(second.quick, 10, b);
	MUST(catalog_commit(first.quick, &err));
	OK(a_count == 10, "one claims ten: %zu", a_count);
	OK(!has_one_of(a, a_count, b, b_count),
	   "who claims at the same moment waits for nothing, and has none of them: %zu", b_count);
	b_count += claim_alone(second.quick, 10, b + b_count);
	OK(b_count == 10 && !has_one_of(a, a_count, b, b_count), "the next time it has others");
	OK(claim_alone(first.quick, RECORDINGS, a) == RECORDINGS - 10,
	   "all that the other has not, its own with them");
	IS_INT(begun, RECORDINGS - 20, "attempts are begun of what it did not have");
	OK(claim_alone(second.quick, RECORDINGS, b) == 10, "nothing more is left");
	OK(!take(second.writer, a[0].recording_sid) && take(first.writer, a[0].recording_sid),
	   "nobody takes what another has; one's own one has");
	OK(!end(second.writer, a[0].recording_sid) && err.kind == ERR_CONFLICT,
	   "and nobody writes under it: %s", err.text);
	OK(end(first.writer, a[0].recording_sid) && take(second.writer, a[0].recording_sid),
	   "given back it is anybody's");
	MUST(catalog_begin(second.quick, &err));
	MUST(leases_own(second.quick, 0, own, RECORDINGS, &b_count, &err));
	catalog_rollback(second.quick);
	IS_INT(b_count, 11, "it knows its own");

	OK(own[0].since_ms == NOON && own[1].since_ms == NOON + 1000000,
	   "and since when: of what it had again, since then");

	MUST(catalog_begin(second.writer, &err));
	MUST(member_leave(second.writer, NOON, &err));
	MUST(catalog_commit(second.writer, &err));
	OK(claim_alone(first.quick, RECORDINGS, a) == RECORDINGS,
	   "what one who leaves had is free");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes; DELETE FROM leases; DELETE FROM attempts");
}

#define OPEN_ATTEMPTS "SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL"

static bool begin_attempt(struct catalog *catalog, const char *sid, int channels)
{
	const struct attempt_begin begin = { .recording_sid = str_of(sid),
					     .began_at_ms = NOON,
					     .channels = channels };
	int64_t attempt;

	return catalog_begin(catalog, &err) && attempts_begin(catalog, &begin, &attempt, &err) &&
	       catalog_commit(catalog, &err);
}

static size_t count_own(struct catalog *catalog)
{
	struct lease_row own[RECORDINGS];
	size_t own_count;

	MUST(catalog_begin(catalog, &err));
	MUST(leases_own(catalog, 0, own, RECORDINGS, &own_count, &err));
	catalog_rollback(catalog);
	return own_count;
}

/* What a flight began, whose end could not be written, while another process stored the recording. */
static void test_left_open(void)
{
	struct process first, second;
	struct queue_row rows[RECORDINGS];

	queue_recordings();
	process_start(&first, "first");
	process_start(&second, "second");
	MUST(claim_alone(first.quick, RECORDINGS, rows) == RECORDINGS);
	exec("DELETE FROM attempts");
	MUST(begin_attempt(first.writer, rows[0].recording_sid, 2));
	MUST(begin_attempt(second.writer, rows[0].recording_sid, 2));
	MUST(begin_attempt(first.writer, rows[1].recording_sid, 0));
	MUST(begin_attempt(first.writer, rows[2].recording_sid, 0));
	IS_INT(count_own(first.quick), RECORDINGS, "what has a lease and an attempt is one");
	exec("DELETE FROM leases");
	IS_INT(count_own(first.quick), 1, "an open attempt of a flight is known without a lease");
	MUST(catalog_begin(first.writer, &err));
	OK(attempts_close_flights(first.writer, str_of(rows[0].recording_sid), NOON, &err),
	   "it is ended: %s", err.text);
	MUST(catalog_commit(first.writer, &err));
	IS_INT(count_own(first.quick), 0, "and known no more");
	IS_INT(count_own(second.quick), 1, "that of another process is its own affair");
	OK(count("SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL AND channels IS NULL") ==
		   2,
	   "who adopts files goes on");
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM attempts; DELETE FROM processes; DELETE FROM leases");
}

/* A turn that is about to change a recording, and one that claims, do not wait for each other. */
static void test_no_deadlock(void)
{
	struct process first, second;
	struct queue_row a[RECORDINGS];
	int64_t attempt;
	size_t n;
	const struct attempt_begin begin = {
		.recording_sid = STR("RE00000000000000000000000000000000"), .began_at_ms = NOON
	};

	process_start(&first, "first");
	process_start(&second, "second");
	begin_and_stay(first.writer);
	MUST(attempts_begin(first.writer, &begin, &attempt, &err));
	n = claim_alone(second.quick, RECORDINGS, a);
	IS_INT(n, RECORDINGS - 1, "what a turn changes is passed over");
	OK(passed_over, "which is told, so that it is asked for again");
	MUST(catalog_commit(first.writer, &err));
	OK(claim_alone(second.quick, RECORDINGS, a) == RECORDINGS && !passed_over,
	   "and had the next time");
	IS_INT(count(OPEN_ATTEMPTS), 1 + RECORDINGS, "one attempt is open, and those of the other");
	MUST(catalog_begin(first.writer, &err));
	MUST(member_leave(first.writer, NOON, &err));
	MUST(catalog_commit(first.writer, &err));
	IS_INT(count(OPEN_ATTEMPTS), RECORDINGS, "it is closed with its process");
	process_end(&first);
	process_end(&second);
}

struct look {
	struct catalog *catalog;
	const char *recording_sid;
	bool is_done;
	struct attempt newest;
	size_t count;
	struct err err;
};

static void *look_in_turn(void *argument)
{
	struct look *look = argument;

	look->is_done = catalog_begin(look->catalog, &look->err) &&
			lease_shut_out(look->catalog, str_of(look->recording_sid), &look->err) &&
			attempts_list(look->catalog, str_of(look->recording_sid), &look->newest, 1,
				      &look->count, &look->err);
	catalog_rollback(look->catalog);
	return NULL;
}

/* Whoever does something else with a recording in a turn, and a claim of it that is on its way. */
static void test_beside_claim(void)
{
	struct process first, second;
	struct queue_row a[RECORDINGS];
	struct look look = { .is_done = false };
	int64_t until_ms = clock_monotonic_ms() + 3000;
	pthread_t thread;
	size_t n;

	exec("DELETE FROM processes; DELETE FROM leases; DELETE FROM attempts");
	process_start(&first, "first");
	process_start(&second, "second");
	begin_and_stay(first.quick);
	MUST(claim(first.quick, 1, a) == 1);
	look.catalog = second.writer;
	look.recording_sid = a[0].recording_sid;
	MUST(pthread_create(&thread, NULL, look_in_turn, &look) == 0);
	while (count("SELECT COUNT(*) FROM pg_locks WHERE NOT granted") == 0 &&
	       clock_monotonic_ms() < until_ms)
		;
	MUST(catalog_commit(first.quick, &err));
	pthread_join(thread, NULL);
	OK(look.is_done && look.count == 1 && look.newest.ended_at_ms == 0,
	   "a turn waits for it, and knows of the attempt that it began: %s", look.err.text);

	begin_and_stay(second.writer);
	MUST(lease_shut_out(second.writer, STR("RE00000000000000000000000000000007"), &err));
	n = claim_alone(first.quick, RECORDINGS, a);
	IS_INT(n, RECORDINGS - 1, "and nobody claims it until the turn is over");
	MUST(catalog_commit(second.writer, &err));
	process_end(&first);
	process_end(&second);
	exec("DELETE FROM processes; DELETE FROM leases; DELETE FROM attempts");
}

/* What a claim has begun ends with the lease that is given back; or with the next that is begun, where it is not known of. */
static void test_not_flown(void)
{
	struct process first;
	struct queue_row a[RECORDINGS];
	int64_t attempt;
	struct attempt_begin begin = { .began_at_ms = NOON };

	exec("DELETE FROM leases; DELETE FROM attempts");
	process_start(&first, "first");
	OK(claim_alone(first.quick, 2, a) == 2 && begun == 2, "two are begun");
	MUST(catalog_begin(first.writer, &err));
	OK(lease_end(first.writer, str_of(a[0].recording_sid), &err) &&
		   attempts_give_up(first.writer, str_of(a[0].recording_sid), NOON, &err),
	   "one is given back");
	MUST(catalog_commit(first.writer, &err));
	IS_INT(count(OPEN_ATTEMPTS), 1, "its attempt is over");
	IS_INT(count("SELECT COUNT(*) FROM attempts WHERE outcome = 'interrupted' "
		     "AND ended_at_ms IS NOT NULL"),
	       1, "as interrupted");

	begin.recording_sid = str_of(a[1].recording_sid);
	catalog_foresee(first.writer, begin.recording_sid);
	MUST(catalog_begin(first.writer, &err));
	MUST(attempts_begin(first.writer, &begin, &attempt, &err));
	MUST(catalog_commit(first.writer, &err));
	IS_INT(count(OPEN_ATTEMPTS), 1, "of the other one the attempt that is begun anew is open");
	IS_INT(count("SELECT r.generation FROM attempts a JOIN recordings r "
		     "ON r.id = a.recording_id WHERE a.ended_at_ms IS NULL"),
	       attempt, "alone, and the recording has its number");
	process_end(&first);
	exec("DELETE FROM processes; DELETE FROM leases; DELETE FROM attempts");
}

/* Too old to be kept: it is claimed, and a turn says that it has expired. */
static void test_too_old(void)
{
	const struct retention_rules rules = retention_rules_of(1000);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);
	const struct queue_claim wanted = {
		.now_ms = NOON + 1000000, .most = 3, .most_backfill = 3, .retention = retention
	};
	struct leases_asked asked = { NULL, NULL };
	struct queue_row a[RECORDINGS];
	struct process first;
	size_t n = 0;

	exec("UPDATE recordings SET started_at_ms = 1");
	process_start(&first, "first");
	MUST(catalog_begin(first.quick, &err));
	MUST(leases_claim(first.quick, &wanted, a, &n, &asked, &err));
	MUST(catalog_commit(first.quick, &err));
	MUST(leases_had(&wanted, &asked, a, &n, &passed_over, &err));
	OK(n == 3 && !a[0].begun && !a[1].begun && !a[2].begun, "what is too old is not begun");
	IS_INT(count("SELECT COUNT(*) FROM leases"), 3, "it has a lease all the same");
	IS_INT(count(OPEN_ATTEMPTS), 0, "and no attempt");
	process_end(&first);
	exec("DELETE FROM processes; DELETE FROM leases; UPDATE recordings SET started_at_ms = NULL");
}

/* ---- what each account may have ---- */

/* Due, of two accounts: one with a long backlog, one with little. */
static void queue_two_accounts(int many, int few)
{
	AUTO(free)
	char *sql = xasprintf(
		"DELETE FROM leases; DELETE FROM attempts; DELETE FROM recordings; "
		"INSERT INTO recordings (id, recording_sid, account_sid, queue_rank, state, upstream, "
		"is_held, is_duration_off, channels_wanted, queued_at_ms, next_try_at_ms, tries, "
		"changed_seq) "
		"SELECT n, 'RE' || lpad(to_hex(n), 32, '0'), CASE WHEN n <= %d THEN 'ACx' ELSE 'ACy' END, "
		"0, %d, 3, 0, 0, 0, %lld, %lld, 0, n FROM generate_series(1, %d) AS n",
		many, RECORDING_QUEUED, (long long)NOON, (long long)NOON, many + few);

	exec(sql);
}

static size_t count_of(const struct queue_row *rows, size_t n, const char *account_sid)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += strcmp(rows[i].account_sid, account_sid) == 0;
	return found;
}

/* Its credentials are refused; what it has due is older than what others have. */
static void test_paused(void)
{
	static const struct queue_share shares[] = {
		{ .account_sid = "ACx" },
		{ .account_sid = "ACy", .most = 32, .most_backfill = 16 },
	};
	const struct queue_claim wanted = { .now_ms = NOON,
					    .most = 32,
					    .most_backfill = 16,
					    .shares = shares,
					    .share_count = ARRAY_LEN(shares) };
	struct leases_asked asked = { NULL, NULL };
	struct queue_row rows[RECORDINGS];
	struct process first;
	size_t n = 0;

	exec("DELETE FROM processes");
	queue_two_accounts(10000, 5);
	process_start(&first, "first");
	begin_and_stay(first.quick);
	MUST(leases_claim(first.quick, &wanted, rows, &n, &asked, &err));
	MUST(leases_had(&wanted, &asked, rows, &n, &passed_over, &err));
	OK(n == 5 && count_of(rows, n, "ACy") == 5,
	   "beside an account that is paused all of the other is claimed, at once: %zu", n);
	IS_INT(count("SELECT COUNT(*) FROM (SELECT 1 FROM recordings WHERE account_sid = 'ACx' "
		     "FOR UPDATE SKIP LOCKED) AS free"),
	       10000, "no row of the one that is paused is locked");
	MUST(catalog_commit(first.quick, &err));
	for (size_t i = 0; i < n; i++)
		lease_begun_free(TAKE(rows[i].begun));
	IS_INT(count("SELECT COUNT(*) FROM recordings WHERE account_sid = 'ACx' "
		     "AND generation IS NULL AND first_try_at_ms IS NULL "
		     "AND NOT EXISTS (SELECT 1 FROM leases WHERE recording_id = recordings.id)"),
	       10000, "nor touched");
	process_end(&first);
}

#define CLAIMANTS 3

struct claimant {
	struct process process;
	char had[RECORDINGS * 2][SID_SIZE]; /* sorted */
	size_t count, most_of_x, most_of_y; /* most: of one claim */
	bool has_failed;
	struct err err;
};

static int compare_sids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool claim_more(struct claimant *claimant, bool *out_more)
{
	static const struct queue_share shares[] = {
		{ .account_sid = "ACx", .most = 4 },
		{ .account_sid = "ACy", .most = 3 },
	};
	struct catalog *catalog = claimant->process.quick;
	const struct queue_claim wanted = { .now_ms = NOON,
					    .most = 10,
					    .shares = shares,
					    .share_count = ARRAY_LEN(shares),
					    .skip = (const char(*)[SID_SIZE])claimant->had,
					    .skip_count = claimant->count };
	struct leases_asked asked = { NULL, NULL };
	struct queue_row rows[10];
	bool was_passed_over;
	size_t n = 0;

	if (!catalog_begin(catalog, &claimant->err) ||
	    !leases_claim(catalog, &wanted, rows, &n, &asked, &claimant->err) ||
	    !catalog_commit(catalog, &claimant->err) ||
	    !leases_had(&wanted, &asked, rows, &n, &was_passed_over, &claimant->err))
		return false;
	for (size_t i = 0; i < n; i++) {
		lease_begun_free(TAKE(rows[i].begun));
		memcpy(claimant->had[claimant->count++], rows[i].recording_sid, SID_SIZE);
	}
	qsort(claimant->had, claimant->count, SID_SIZE, compare_sids);
	if (count_of(rows, n, "ACx") > claimant->most_of_x)
		claimant->most_of_x = count_of(rows, n, "ACx");
	if (count_of(rows, n, "ACy") > claimant->most_of_y)
		claimant->most_of_y = count_of(rows, n, "ACy");
	*out_more = n > 0 || was_passed_over;
	return true;
}

static void *claim_all(void *argument)
{
	struct claimant *claimant = argument;
	bool more = true;

	while (more && !claimant->has_failed)
		claimant->has_failed = !claim_more(claimant, &more);
	return NULL;
}

/* Three at once, each until there is nothing more. */
static void test_at_once(void)
{
	static struct claimant claimants[CLAIMANTS];
	pthread_t threads[CLAIMANTS];
	size_t all = 0;

	exec("DELETE FROM processes");
	queue_two_accounts(RECORDINGS, RECORDINGS);
	for (size_t i = 0; i < CLAIMANTS; i++)
		process_start(&claimants[i].process, (const char *[]){ "a", "b", "c" }[i]);
	for (size_t i = 0; i < CLAIMANTS; i++)
		MUST(pthread_create(&threads[i], NULL, claim_all, &claimants[i]) == 0);
	for (size_t i = 0; i < CLAIMANTS; i++) {
		pthread_join(threads[i], NULL);
		OK(!claimants[i].has_failed, "none fails: %s", claimants[i].err.text);
		OK(claimants[i].most_of_x <= 4 && claimants[i].most_of_y <= 3,
		   "no claim has more of an account than its share: %zu and %zu",
		   claimants[i].most_of_x, claimants[i].most_of_y);
		all += claimants[i].count;
		process_end(&claimants[i].process);
	}
	IS_INT(all, 2 * RECORDINGS, "together they have all");
	IS_INT(count("SELECT COUNT(*) FROM leases"), 2 * RECORDINGS, "each of them one lease");
	IS_INT(count(OPEN_ATTEMPTS), 2 * RECORDINGS, "and one attempt: nobody has one twice");
	exec("DELETE FROM processes; DELETE FROM leases; DELETE FROM attempts");
}

/* ---- listening ---- */

static int64_t wait_ms(struct listening *listening, struct catalog *catalog)
{
	int64_t began_ms = clock_monotonic_ms();

	listening_wait(listening, catalog, -1);
	return clock_monotonic_ms() - began_ms;
}

static bool is_proved_soon(struct listening *listening, struct catalog *catalog)
{
	for (int i = 0; i < 40 && !listening->is_proved; i++)
		(void)wait_ms(listening, catalog);
	return listening->is_proved;
}

/* LISTEN that nothing comes of any more, as behind a pooler. */
static void test_listening(void)
{
	struct listening listening = { .connection = 0 };
	struct process process;

	process_start(&process, "listener");
	OK(is_proved_soon(&listening, process.pulse), "it is proved that one hears");
	MUST(write_something(ledger.writer));
	OK(wait_ms(&listening, process.pulse) < LISTENING_SELDOM_MS, "a turn of another is heard");
	MUST(db_exec(process.pulse->db, "UNLISTEN *", &err));
	listening.asked_at_ms -= LISTENING_PROOF_MS;
	for (int i = 0; i < 3; i++)
		(void)wait_ms(&listening, process.pulse);
	OK(!listening.is_proved, "what is not heard any more is found out");
	MUST(db_exec(process.pulse->db, "SELECT pg_terminate_backend(pg_backend_pid())", &err) ||
	     true);
	MUST(members_beat(process.pulse, &process.members, &err) ||
	     members_beat(process.pulse, &process.members, &err));
	OK(is_proved_soon(&listening, process.pulse), "on a new connection one listens anew");
	process_end(&process);
}

int main(void)
{
	ledger_open(&ledger);
	test_burial();
	test_number_given_again();
	test_burial_inside_quick();
	test_silent_within_quick();
	test_silent_within_turn();
	test_suspect();
	test_roll();
	test_just_tried();
	test_claims();
	test_holder();
	test_left_open();
	test_no_deadlock();
	test_beside_claim();
	test_not_flown();
	test_too_old();
	test_paused();
	test_at_once();
	test_listening();
	ledger_remove(&ledger);
	return tap_end();
}
