/*
 * Several who write to one ledger: quick transactions and their streams, what is left of a process that is no more, and how one
 * hears what others have changed.  Run by tests/tools/postgres.
 */
#include "base/own.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "catalog/turn_news.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <pthread.h>

static struct err err;
static struct ledger ledger;

/* A process as the ledger sees it. */
struct process {
	struct catalog *writer, *quick;
};

static void process_start(struct process *process)
{
	MUST(catalog_open(ledger.path, CATALOG_WRITE, &process->writer, &err));
	MUST(catalog_enlist(process->writer, &(struct member_place){ NULL }, &err));
	MUST(catalog_open(ledger.path, CATALOG_QUICK, &process->quick, &err));
	catalog_enlist_as(process->quick, catalog_process(process->writer), NULL);
}

static void process_end(struct process *process)
{
	MUST(db_exec(ledger.writer->db, "DELETE FROM processes", &err));
	catalog_free(process->quick);
	catalog_free(process->writer);
}

static bool append(struct catalog *catalog, unsigned number, int64_t *out_seq)
{
	char sid[SID_SIZE];
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = sid_text("CA", number, sid);
	return events_append(catalog, &event, out_seq, &err);
}

static bool append_alone(struct catalog *catalog, unsigned number, int64_t *out_seq)
{
	if (!catalog_begin(catalog, &err))
		return false;
	if (append(catalog, number, out_seq))
		return catalog_commit(catalog, &err);
	catalog_rollback(catalog);
	return false;
}

static int64_t count(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(ledger.writer->db, sql, &stmt, &err));
	return db_step(stmt, &err) == DB_ROW ? db_column_int(stmt, 0) : -1;
}

/* As the writer does it. */
static bool project(struct catalog *catalog, struct projection_result *out)
{
	struct projection_ahead ahead;

	MUST(catalog_begin_ahead(catalog, projection_ahead(&ahead, PROJECTION_EVENTS_MAX), &err));
	MUST(projection_run_ahead(catalog, &ahead, out, &err));
	projection_ahead_release(&ahead);
	return catalog_commit(catalog, &err);
}

static bool set_aside(struct catalog *catalog, int64_t stream, int64_t event)
{
	MUST(catalog_begin(catalog, &err));
	if (projection_set_aside(catalog, stream, event, 1, "refused", &err))
		return catalog_commit(catalog, &err);
	catalog_rollback(catalog);
	return false;
}

static void test_beside_the_seat(void)
{
	struct process process;
	struct projection_result done;
	int64_t seq = 0;

	process_start(&process);
	MUST(catalog_begin(ledger.writer, &err));
	OK(append_alone(process.quick, 1, &seq) && seq == 1,
	   "while somebody else has the seat an event is committed: %s", err.text);
	OK(append_alone(process.quick, 2, &seq) && seq == 2, "and the next");
	catalog_rollback(ledger.writer);
	MUST(catalog_begin(process.quick, &err));
	OK(append(process.quick, 3, &seq) && seq == 3, "one that is not committed");
	catalog_rollback(process.quick);
	OK(append_alone(process.quick, 4, &seq) && seq == 3, "gives its place to the next");
	OK(append_alone(process.writer, 5, &seq), "one more in a turn, in the stream of turns");
	OK(project(process.writer, &done) && done.events == 4 && done.count == 4,
	   "all of both streams are projected: %zu", done.events);
	OK(project(process.writer, &done) && done.events == 0, "once");
	IS_INT(count("SELECT COUNT(*) FROM calls"), 4, "each is a call");
	process_end(&process);
}

/* By another process, once it is there; the stream is over then. */
static void test_left_behind(void)
{
	struct process first, second;
	struct projection_result done;
	int64_t seq, calls = count("SELECT COUNT(*) FROM calls");
	struct catalog_counts counts;

	process_start(&first);
	for (unsigned i = 0; i < 3; i++)
		MUST(append_alone(first.quick, 20 + i, &seq));
	MUST(catalog_counts(ledger.writer, &counts, &err));
	IS_INT(counts.events_waiting, 3, "three events wait");
	MUST(db_exec(ledger.writer->db, "DELETE FROM processes", &err));
	process_start(&second);
	OK(!append_alone(first.quick, 23, &seq) && err.kind == ERR_UNAVAILABLE,
	   "who is no more appends nothing: %s", err.text);
	MUST(catalog_begin(second.writer, &err));
	MUST(projection_run(second.writer, PROJECTION_EVENTS_MAX, &done, &err));
	catalog_rollback(second.writer);
	OK(project(second.writer, &done) && done.events == 3,
	   "what it has left is projected, though the first try was not committed: %zu",
	   done.events);
	IS_INT(count("SELECT COUNT(*) FROM calls"), calls + 3, "all of it");
	MUST(catalog_begin(second.writer, &err));
	OK(!stream_find(second.writer, first.writer->process_id) &&
		   stream_find(second.writer, second.writer->process_id),
	   "and its stream is over");
	catalog_rollback(second.writer);
	process_end(&first);
	process_end(&second);
}

/* Many are sent before one is answered: which of them the server refuses is found out one by one. */
static void test_one_that_fails(void)
{
	struct process process;
	struct projection_result done;
	int64_t first, first0, before, bad, seq;

	process_start(&process);
	MUST(append_alone(process.writer, 62, &first0));
	MUST(project(process.writer, &done));
	MUST(db_exec(ledger.writer->db,
		     "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
		     "'BEGIN RAISE EXCEPTION ''not this one''; END'; "
		     "CREATE TRIGGER refuse BEFORE INSERT ON calls FOR EACH ROW "
		     "WHEN (NEW.call_sid LIKE '%00bad') EXECUTE FUNCTION refuse()",
		     &err));
	MUST(append_alone(process.quick, 60, &first) && append_alone(process.quick, 0xbad, &bad) &&
	     append_alone(process.quick, 61, &seq));
	MUST(catalog_begin(process.writer, &err));
	OK(!projection_run(process.writer, PROJECTION_EVENTS_MAX, &done, &err) ||
		   !catalog_commit(process.writer, &err),
	   "a batch with one that is refused is not projected: %s", err.text);
	catalog_rollback(process.writer);
	OK(done.is_unclear && done.failed_event == 0 && err.kind != ERR_UNAVAILABLE,
	   "whose fault it is is not said");
	MUST(catalog_begin(process.writer, &err));
	OK(!projection_run_carefully(process.writer, PROJECTION_EVENTS_MAX, &done, &err),
	   "one after the other neither: %s", err.text);
	catalog_rollback(process.writer);
	OK(!done.is_unclear && done.failed_event == bad && done.events == 1 &&
		   done.failed_stream == process.writer->process_id,
	   "but it is said which, and how many come before it: %zu", done.events);
	MUST(catalog_begin(process.writer, &err));
	MUST(projection_run(process.writer, 1, &done, &err));
	MUST(projection_set_aside(process.writer, process.writer->process_id, bad, 1, "refused",
				  &err));
	MUST(catalog_commit(process.writer, &err));
	OK(project(process.writer, &done) && done.events == 1, "set aside it is in nobody's way");
	before = count("SELECT COUNT(*) FROM events_set_aside");
	OK(set_aside(process.writer, process.writer->process_id, bad) &&
		   !catalog_has_changed(process.writer),
	   "another that would set it aside finds it passed: %s", err.text);
	OK(set_aside(process.writer, 0, first0) && !catalog_has_changed(process.writer),
	   "in the stream of turns, too: %s", err.text);
	OK(set_aside(process.writer, INT64_MAX, 1) && !catalog_has_changed(process.writer),
	   "and in one that is over: %s", err.text);
	IS_INT(count("SELECT COUNT(*) FROM events_set_aside"), before, "it is listed once");
	MUST(db_exec(ledger.writer->db, "DROP TRIGGER refuse ON calls; DROP FUNCTION refuse",
		     &err));
	process_end(&process);
}

/* A webhook's commit is on its way when its line breaks, and arrives after others were numbered. */
struct late {
	struct catalog *catalog;
	pthread_t thread;
	bool was_committed;
	int64_t seq;
	struct err err;
};

static void *append_late(void *argument)
{
	struct late *late = argument;
	char sid[SID_SIZE];
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = sid_text("CA", 31, sid);
	late->was_committed = catalog_begin(late->catalog, &late->err) &&
			      events_append(late->catalog, &event, &late->seq, &late->err) &&
			      catalog_commit(late->catalog, &late->err);
	return NULL;
}

static void test_late_commit(void)
{
	struct process process;
	struct projection_result done;
	struct late late = { .catalog = NULL };
	int64_t seq;

	process_start(&process);
	MUST(append_alone(process.quick, 30, &seq));
	MUST(catalog_open(ledger.path, CATALOG_QUICK, &late.catalog, &err));
	catalog_enlist_as(late.catalog, catalog_process(process.writer), NULL);
	/* The old connection has the place, and has not come to its end; nor does the server bring it there while others are slow. */
	MUST(catalog_begin(process.quick, &err));
	MUST(db_exec(process.quick->db, "SET LOCAL idle_in_transaction_session_timeout = '60s'",
		     &err));
	MUST(append(process.quick, 32, &seq) && db_catch_up(process.quick->db, &err));
	MUST(pthread_create(&late.thread, NULL, append_late, &late) == 0);
	while (count("SELECT COUNT(*) FROM pg_locks WHERE NOT granted") == 0)
		; /* it waits in the primary key */
	OK(catalog_commit(process.quick, &err), "the late commit arrives");
	pthread_join(late.thread, NULL);
	OK(!late.was_committed && late.err.kind == ERR_CONFLICT && late.seq == seq,
	   "who was given its place meanwhile is told: %s", late.err.text);
	OK(append_alone(late.catalog, 33, &seq), "and the next goes on behind it: %s", err.text);
	OK(project(process.writer, &done) && done.events == 3, "all are seen: %zu", done.events);
	catalog_free(late.catalog);
	process_end(&process);
}

/* ---- what others have changed ---- */

static struct {
	struct turn_hearer hearer;
	unsigned turns, all, lost;
	size_t count;
	struct projection_change last;
	int64_t sequence;
} ear;

static void heard(struct turn_hearer *hearer, const struct projection_change *changes, size_t n,
		  int64_t sequence)
{
	ear.turns++;
	ear.count += n;
	OK(sequence > ear.sequence, "in order: %lld", (long long)sequence);
	ear.sequence = sequence;
	if (n > 0)
		ear.last = changes[n - 1];
	ear.all += n > 0 && (changes[0].what & PROJECTED_ALL) != 0;
}

static void lost(struct turn_hearer *hearer, int64_t sequence)
{
	ear.lost++;
	ear.sequence = sequence - 1;
}

static void hear_again(void)
{
	memset(&ear, 0, sizeof(ear));
	ear.hearer.heard = heard;
	ear.hearer.lost = lost;
}

static void tell(const struct projection_change *change, unsigned times)
{
	MUST(catalog_begin(ledger.writer, &err));
	(void)catalog_next_sequence(ledger.writer);
	for (unsigned i = 0; i < times; i++)
		turn_tell(ledger.writer, change);
	MUST(catalog_commit(ledger.writer, &err));
}

static void test_hears(void)
{
	const struct projection_change change = { .what = PROJECTED_RECORDING | PROJECTED_STORED,
						  .call_sid = "CA1",
						  .recording_sid = "RE2",
						  .credential_id = 7,
						  .user_id = INT64_MAX };
	const struct projection_change strange = { .what = PROJECTED_CALL, .call_sid = "CA 1" };
	struct process process;
	int64_t at;

	process_start(&process);
	MUST(catalog_sequence(process.writer, &at, &err));
	hear_again();
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	IS_INT(ear.turns, 0, "nothing is heard where nobody had a turn");
	tell(&change, 1);
	tell(&change, 2);
	tell(&change, 0);
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 3 && ear.count == 3 && ear.all == 0, "three turns, three changes");
	OK(memcmp(&ear.last, &change, sizeof(change)) == 0, "as they were told");
	hear_again();
	tell(&change, 1);
	MUST(catalog_begin(process.writer, &err));
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 1, "within a turn of one's own, too");
	catalog_rollback(process.writer);
	hear_again();
	tell(&strange, 1);
	tell(&change, TURN_CHANGES_MAX + 1);
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 2 && ear.all == 2,
	   "what cannot be told, and too much of it, may be anything");
	hear_again();
	for (unsigned i = 0; i < 200; i++)
		tell(&change, 1);
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 200 && ear.all == 0, "pages of turns");
	tell(&change, 1);
	MUST(db_exec(ledger.writer->db,
		     "DELETE FROM turns WHERE seq < (SELECT MAX(seq) FROM turns)", &err));
	hear_again();
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 1 && ear.all == 1, "where some are gone, anything may have changed");
	process_end(&process);
}

static const struct projection_change call_change = { .what = PROJECTED_CALL };

static void lose(struct process *process, const char *sql, int64_t *at, const char *what)
{
	int64_t before = *at, after;

	hear_again();
	MUST(db_exec(ledger.writer->db, sql, &err));
	OK(!turns_hear(process->writer, at, &ear.hearer, &err) && err.kind == ERR_CONFLICT &&
		   ear.turns == 0,
	   "%s: it is a matter for a turn: %s", what, err.text);
	MUST(catalog_begin(process->writer, &err));
	MUST(turns_hear(process->writer, at, &ear.hearer, &err));
	OK(ear.lost == 1 && ear.all == 1 && *at > before + CATALOG_LEAP / 2,
	   "%s: anything may have changed, and no number is given twice", what);
	MUST(catalog_commit(process->writer, &err));
	MUST(catalog_sequence(process->writer, &after, &err));
	IS_INT(after, *at, "%s: so the turn says", what);
	tell(&call_change, 1);
	MUST(turns_hear(process->writer, at, &ear.hearer, &err));
	OK(ear.turns == 2 && ear.lost == 1, "%s: the next is heard", what);
}

/* Another server takes the place of one whose last turns it has not got. */
static void test_lost_turns(void)
{
	struct process process;
	int64_t at;

	process_start(&process);
	tell(&call_change, 1);
	MUST(catalog_sequence(process.writer, &at, &err));
	hear_again();
	tell(&call_change, 1);
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	OK(ear.turns == 1 && ear.lost == 0, "a turn is heard");
	lose(&process, "DELETE FROM turns WHERE seq = (SELECT MAX(seq) FROM turns)", &at,
	     "a turn is gone");
	lose(&process,
	     "UPDATE turns SET at_ms = at_ms + 1 WHERE seq = (SELECT MAX(seq) FROM turns)", &at,
	     "another has its number");
	MUST(catalog_begin(process.writer, &err));
	(void)catalog_next_sequence(process.writer);
	MUST(catalog_commit(process.writer, &err));
	MUST(catalog_sequence(process.writer, &at, &err));
	hear_again();
	MUST(catalog_begin(process.writer, &err));
	MUST(turns_hear(process.writer, &at, &ear.hearer, &err));
	catalog_rollback(process.writer);
	IS_INT(ear.turns, 0, "one's own is one's own");
	process_end(&process);
}

/* It has the turns that this one knows of, but perhaps not those that others were told of. */
static void test_another_life(void)
{
	struct process first, second;
	int64_t at, before;

	process_start(&first);
	process_start(&second);
	tell(&call_change, 1);
	MUST(catalog_sequence(first.writer, &at, &err));
	before = at;
	MUST(db_exec(ledger.writer->db,
		     "UPDATE turns SET timeline = timeline - 1 "
		     "WHERE seq = (SELECT MAX(seq) FROM turns)",
		     &err));
	hear_again();
	MUST(catalog_begin(first.writer, &err));
	MUST(turns_hear(first.writer, &at, &ear.hearer, &err));
	OK(ear.lost == 1 && ear.all == 1, "who has the first turn there tells of a loss");
	catalog_rollback(first.writer);
	hear_again();
	MUST(catalog_begin(first.writer, &err));
	MUST(turns_hear(first.writer, &at, &ear.hearer, &err));
	MUST(catalog_commit(first.writer, &err));
	OK(ear.lost == 1 && at >= before + CATALOG_LEAP, "again, where that was not committed");
	hear_again();
	MUST(turns_hear(second.writer, &before, &ear.hearer, &err));
	OK(ear.turns == 1 && ear.all == 1 && before == at,
	   "and to the others anything may have changed");
	hear_again();
	tell(&call_change, 1);
	MUST(turns_hear(second.writer, &before, &ear.hearer, &err));
	OK(ear.turns == 1 && ear.all == 0 && before == at + 1, "once");
	process_end(&first);
	process_end(&second);
}

/* Old turns are removed from time to time, and not by each who begins. */
static void test_keeps_turns(void)
{
	struct process process;
	int64_t before;

	MUST(db_exec(ledger.writer->db,
		     "INSERT INTO turns (seq, at_ms, watermark, counts, streams) "
		     "SELECT newest.seq + n, at_ms, watermark, counts, streams "
		     "FROM (SELECT * FROM turns ORDER BY seq DESC LIMIT 1) AS newest, "
		     "generate_series(1, 9000) AS n",
		     &err));
	before = count("SELECT COUNT(*) FROM turns");
	process_start(&process);
	IS_INT(count("SELECT COUNT(*) FROM turns"), before + 1, "who begins removes no turns");
	MUST(catalog_begin(process.writer, &err));
	(void)catalog_next_sequence(process.writer);
	process.writer->turns_left = 0;
	MUST(catalog_commit(process.writer, &err));
	OK(count("SELECT COUNT(*) FROM turns") < 8200, "in time the old ones go");
	process_end(&process);
}

int main(void)
{
	ledger_open(&ledger);
	test_beside_the_seat();
	test_left_behind();
	test_one_that_fails();
	test_late_commit();
	test_hears();
	test_lost_turns();
	test_another_life();
	test_keeps_turns();
	ledger_remove(&ledger);
	return tap_end();
}
