/*
 * How often a recording has one wait for the server, from its webhook until it is stored: what each of several processes waits for
 * within its turn all of them wait for.  And that what is asked ahead for many at once leaves the same rows.  Run by
 * tests/tools/postgres.
 */
#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/catalog_private.h"
#include "catalog/events.h"
#include "catalog/processes.h"
#include "catalog/recordings_digest.h"
#include "catalog/recordings_waveform.h"
#include "cluster/leases.h"
#include "ledger/ledger_jobs.h"
#include "ledger/writer.h"
#include "must.h"
#include "numbers/numbers_find.h"
#include "projection/projection.h"
#include "tap.h"
#include "test_database.h"

#define NOON   1700000000000
#define CALLS  20
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct err err;
static struct catalog *onlooker; /* a connection to look with */
static struct catalog *quick;
static struct writer turns;
static struct trouble trouble = TROUBLE_NONE;

static uint64_t waits_before;

static void count_from_here(const struct catalog *catalog)
{
	waits_before = db_waits(catalog->db);
}

static int waits(const struct catalog *catalog)
{
	return (int)(db_waits(catalog->db) - waits_before);
}

static int64_t count(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(onlooker->db, sql, &stmt, &err));
	return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
}

static struct str sid_text(const char *kind, unsigned number, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s%032x", kind, number);
	return str_of(out);
}

/* ---- webhooks ---- */

/* Two recordings a call. */
static void test_webhooks(void)
{
	int64_t seq;

	count_from_here(quick);
	MUST(catalog_begin(quick, &err));
	for (unsigned i = 0; i < CALLS * 2; i++) {
		char call_sid[SID_SIZE], recording_sid[SID_SIZE];
		struct event event;

		event_init(&event, EVENT_RECORDING_STATUS, NOON + i);
		event.call_sid = sid_text("CA", i / 2, call_sid);
		event.recording_sid = sid_text("RE", i, recording_sid);
		event.account_sid = i / 2 % 3 ? STR("ACa") : STR("ACb");
		event.status = STR("completed");
		MUST(events_append(quick, &event, &seq, &err));
	}
	MUST(catalog_commit(quick, &err));
	IS_INT(waits(quick), 2, "many webhooks: their first place in the stream, the commit");
	count_from_here(quick);
	MUST(catalog_begin(quick, &err));
	MUST(catalog_commit(quick, &err));
	IS_INT(waits(quick), 1, "after that the commit alone");
}

static size_t project(struct projection_result *done)
{
	struct projection_ahead ahead;

	MUST(writer_begin(&turns, projection_ahead(&ahead, PROJECTION_EVENTS_MAX), &err));
	MUST(projection_run_ahead(turns.catalog, &ahead, done, &err));
	projection_ahead_release(&ahead);
	MUST(catalog_commit(turns.catalog, &err));
	return done->events;
}

static void test_projection(void)
{
	struct projection_result done;

	count_from_here(turns.catalog);
	IS_INT(project(&done), CALLS * 2, "a batch is projected");
	IS_INT(waits(turns.catalog), 3, "with its events, what they name, the commit");
	IS_INT(count("SELECT COUNT(*) FROM recordings WHERE state = 1"), CALLS * 2, "all of it");
	count_from_here(turns.catalog);
	IS_INT(project(&done), 0, "there is no more");
	IS_INT(waits(turns.catalog), 2, "which is seen with the begin");
}

/* ---- claims ---- */

static struct queue_row rows[QUEUE_CLAIM_MAX];

static size_t claim(unsigned most)
{
	const struct queue_claim wanted = { .now_ms = NOON + 1000000,
					    .most = most,
					    .most_backfill = most };
	struct queue_dues dues = { .now_ms = NOON, .beyond_ms = NOON * 2 };
	struct leases_asked asked = { NULL, NULL };
	bool passed_over, is_beyond;
	int64_t next_ms;
	size_t found = 0;

	MUST(catalog_begin(quick, &err));
	MUST(queue_ask_dues(quick, &dues, &err));
	MUST(leases_claim(quick, &wanted, rows, &found, &asked, &err));
	MUST(queue_read_dues(quick, &dues, &next_ms, &is_beyond, &err));
	MUST(catalog_commit(quick, &err));
	MUST(leases_had(&wanted, &asked, rows, &found, &passed_over, &err));
	OK(next_ms > NOON && !is_beyond, "with it comes when something is due");
	return found;
}

static bool is_begun_well(const struct queue_row *row)
{
	const struct lease_begun *begun = row->begun;

	return begun && begun->attempt_id > 0 && begun->recording.generation == begun->attempt_id &&
	       begun->recording.generation_at_ms == NOON + 1000000 &&
	       begun->recording.first_try_at_ms == NOON + 1000000 &&
	       begun->recording.state == RECORDING_QUEUED &&
	       str_eq(str_of(begun->recording.recording_sid), str_of(row->recording_sid)) &&
	       str_eq(str_of(begun->recording.call_sid), str_of(row->call_sid));
}

static void test_claim(void)
{
	bool are_well = true;

	count_from_here(quick);
	IS_INT(claim(CALLS * 2), CALLS * 2, "all are claimed");
	IS_INT(waits(quick), 2, "for what is due, for the commit, with what was had of it");
	for (size_t i = 0; i < CALLS * 2; i++) {
		are_well &= is_begun_well(&rows[i]) && rows[i].next_try_at_ms == NOON + (int64_t)i;
		are_well &= rows[i].rank == RECORDING_RANK_NEW && rows[i].account_sid[0] != '\0';
	}
	OK(are_well, "each with an attempt that is begun, in the order in which they are due");
	IS_INT(count("SELECT COUNT(*) FROM attempts a JOIN recordings r ON r.id = a.recording_id "
		     "WHERE a.ended_at_ms IS NULL AND r.generation = a.id AND a.channels = 2 "
		     "AND a.generation IS NULL AND a.process_id IS NOT NULL"),
	       CALLS * 2, "as the ledger says, too");
	IS_INT(count("SELECT COUNT(*) FROM leases"), CALLS * 2, "and a lease");
}

/* ---- the end of flights ---- */

/* As a flight posts it (flights/flight_end.c). */
struct ending {
	struct ledger_job job;
	char recording_sid[SID_SIZE];
	int64_t attempt;
};

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct ending *ending = container_of(job, struct ending, job);
	struct str sid = str_of(ending->recording_sid);
	const struct attempt_end end = { .id = ending->attempt,
					 .ended_at_ms = NOON,
					 .outcome = "stored" };
	const struct recording_media media = { .stored_at_ms = NOON,
					       .generation = ending->attempt,
					       .size = 100,
					       .channels = 1,
					       .format = "mp3",
					       .path = "00/x.mp3" };

	return lease_end(catalog, sid, why) && attempts_end(catalog, &end, why) &&
	       recordings_mark_stored(catalog, sid, &media, why);
}

static struct ending endings[CALLS * 2];

/* Linked; those that are to be foreseen say so. */
static struct ledger_job *some(size_t from, size_t to,
			       bool (*run)(struct ledger_job *job, struct catalog *catalog,
					   struct err *why),
			       bool is_foreseen)
{
	struct ledger_job *next = NULL;

	for (size_t i = to; i-- > from;) {
		struct ending *ending = &endings[i];

		ending->job = (struct ledger_job){
			.run = run,
			.recording_sid = is_foreseen ? ending->recording_sid : NULL,
			.next = next,
		};
		next = &ending->job;
	}
	return next;
}

static bool write_all(struct ledger_job *jobs)
{
	int64_t sequence;

	count_from_here(turns.catalog);
	return writer_write_now(&turns, jobs, &sequence, &err);
}

static void take_rows(void)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		memcpy(endings[i].recording_sid, rows[i].recording_sid, SID_SIZE);
		endings[i].attempt = rows[i].begun->attempt_id;
		lease_begun_free(TAKE(rows[i].begun));
	}
}

/* What the first half of the calls shows, and what the other half: their numbers apart they must be the same. */
static int64_t hash_of_half(bool is_second)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(onlooker->db,
			"SELECT COALESCE(SUM(c.recordings * 1000000 + c.is_main_fixed * 100000 "
			"+ c.recording_group * 1000 + m.state * 100 "
			"+ (m.recording_sid > o.recording_sid)::int * 10 + o.state "
			"+ r.bytes), 0)::bigint "
			"FROM calls c JOIN recordings m ON m.id = c.main_recording_id "
			"JOIN recordings o ON o.call_id = c.id AND o.id <> m.id "
			"JOIN LATERAL (SELECT SUM(size)::bigint AS bytes FROM recordings "
			"WHERE call_id = c.id) r ON true "
			"WHERE (c.call_sid >= $1) = ($2 = 1)",
			&stmt, &err));
	{
		char middle[SID_SIZE];

		db_bind_str(stmt, 1, sid_text("CA", CALLS / 2, middle));
		db_bind_int(stmt, 2, is_second);
		return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
	}
}

/* One by one, as a file has it; and many in a turn, among them two of a call. */
static void test_stored(void)
{
	take_rows();
	OK(write_all(some(0, 2, run_stored, true)), "two of one call are stored: %s", err.text);
	for (size_t i = 2; i < CALLS; i++)
		MUST(write_all(some(i, i + 1, run_stored, false)));
	OK(write_all(some(CALLS, CALLS * 2, run_stored, true)), "many in a turn: %s", err.text);
	/* The second of each call is asked for: the first may have changed it. */
	IS_INT(waits(turns.catalog), 2 + CALLS / 2 * 3, "with all that it asks for its begin");
	IS_INT(hash_of_half(true), hash_of_half(false), "they are the same in the end");
	IS_INT(count("SELECT COUNT(*) FROM recordings WHERE state = 3 AND stored_at_ms IS NOT NULL"),
	       CALLS * 2, "all are stored");
	IS_INT(count("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored' "
		     "AND ended_at_ms IS NOT NULL"),
	       CALLS * 2, "all attempts have ended");
	IS_INT(count("SELECT COUNT(*) FROM leases"), 0, "no lease is left");
	IS_INT(count("SELECT COUNT(*) FROM calls c JOIN recordings r ON r.id = c.main_recording_id "
		     "WHERE c.is_main_fixed = 1 AND c.recordings = 2"),
	       CALLS, "each call has its main recording, and counts both");
}

static bool run_digest(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct ending *ending = container_of(job, struct ending, job);

	return recordings_set_digest(catalog, str_of(ending->recording_sid), ending->attempt,
				     DIGEST, why);
}

static bool run_waveform(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct ending *ending = container_of(job, struct ending, job);

	return recordings_set_waveform(catalog, str_of(ending->recording_sid), ending->attempt,
				       RECORDING_WAVEFORM_STORED, why);
}

/* One a call: those of a call have to be asked for one after the other. */
static struct ledger_job *firsts(bool (*run)(struct ledger_job *job, struct catalog *catalog,
					     struct err *why))
{
	struct ledger_job *next = NULL;

	for (size_t i = 0; i < ARRAY_LEN(endings); i += 2) {
		(void)some(i, i + 1, run, true);
		endings[i].job.next = next;
		next = &endings[i].job;
	}
	return next;
}

static void test_behind(void)
{
	OK(write_all(firsts(run_digest)), "digests are noted: %s", err.text);
	IS_INT(waits(turns.catalog), 2, "however many, for the begin and the commit");
	IS_INT(count("SELECT COUNT(*) FROM recordings WHERE sha256 IS NOT NULL"), CALLS, "all");
	OK(write_all(firsts(run_waveform)), "and waveforms: %s", err.text);
	IS_INT(waits(turns.catalog), 2, "as many");
	endings[0].attempt++;
	OK(!write_all(some(0, 1, run_digest, true)) && err.kind == ERR_CONFLICT,
	   "of another generation it is refused: %s", err.text);
	OK(!write_all(some(0, 1, run_waveform, true)) && err.kind == ERR_CONFLICT, "so is that: %s",
	   err.text);
	endings[0].attempt--;
	OK(!write_all(some(0, 1, run_stored, true)) && err.kind == ERR_CONFLICT,
	   "who has no lease stores nothing: %s", err.text);
}

/* How often is waited for the numbers that end in a digit, of which there are so many? */
static int waits_for_numbers(const char *digit, size_t how_many)
{
	struct digits sought, found[CALLS];
	size_t found_count;
	bool more;

	str_fit(str_of(digit), sought.text, sizeof(sought.text));
	count_from_here(onlooker);
	MUST(numbers_find(onlooker->db, &sought, found, ARRAY_LEN(found), &found_count, &more,
			  &err));
	IS_INT(found_count, how_many, "numbers that end in %s", digit);
	return waits(onlooker);
}

static void test_numbers(void)
{
	IS_INT(count("WITH n AS (INSERT INTO call_numbers (digits, started_at_ms, call_id) SELECT "
		     "CASE i WHEN 1 THEN '4' ELSE '3' END || i, 1, i FROM generate_series(1, 11) i "
		     "RETURNING 1) SELECT COUNT(*) FROM n"),
	       11, "eleven numbers");
	(void)waits_for_numbers("5", 0); /* its statements are prepared */
	IS_INT(waits_for_numbers("3", 10), waits_for_numbers("4", 1),
	       "ten are found as soon as one");
}

int main(void)
{
	char folder[] = "/tmp/callspool-test.XXXXXX", path[TEST_DATABASE_SIZE];

	if (!mkdtemp(folder))
		return 1;
	test_database_make(folder, path);
	MUST(catalog_open(path, CATALOG_WRITE, &onlooker, &err));
	writer_init(&turns);
	turns.trouble = &trouble;
	MUST(catalog_open(path, CATALOG_WRITE, &turns.catalog, &err));
	MUST(catalog_enlist(turns.catalog, &(struct member_place){ NULL }, &err));
	MUST(catalog_open(path, CATALOG_QUICK, &quick, &err));
	catalog_enlist_as(quick, catalog_process(turns.catalog), NULL);
	test_webhooks();
	test_projection();
	test_claim();
	test_stored();
	test_behind();
	test_numbers();
	catalog_free(quick);
	writer_release(&turns);
	catalog_free(onlooker);
	test_database_remove(folder, path);
	rmdir(folder);
	return tap_end();
}
