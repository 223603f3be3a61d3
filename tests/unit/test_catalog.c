#include "catalog/catalog.h"

#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "schema/schema.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>

#define NOON 1700000000000

static struct err err;

static struct event some_event(struct str call_sid)
{
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = call_sid;
	event.status = STR("ringing");
	return event;
}

static void test_sequence(struct ledger *ledger)
{
	AUTO(catalog_free) struct catalog *reader = NULL;
	struct event event = some_event(STR("CA1"));
	struct projection_result result;
	int64_t before = -1, snapshot = -1, after = -1;

	MUST(catalog_open(ledger->path, CATALOG_READ, &reader, &err));
	MUST(catalog_sequence(reader, &before, &err));
	IS_INT(before, 0, "an empty ledger has not changed");
	ledger_append(ledger, &event);
	MUST(catalog_sequence(reader, &after, &err));
	IS_INT(after, before, "an event alone is no change that anybody sees");
	MUST(catalog_begin(reader, &err));
	MUST(catalog_sequence(reader, &snapshot, &err));
	ledger_project(ledger, &result);
	MUST(catalog_sequence(reader, &after, &err));
	IS_INT(after, snapshot, "a snapshot keeps its number");
	MUST(catalog_commit(reader, &err));
	MUST(catalog_sequence(reader, &after, &err));
	OK(after == result.sequence && after > before, "then it reads what the writer broadcast");

	event = some_event(STR("CA2"));
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &before, &err));
	MUST(projection_run(ledger->writer, 256, &result, &err));
	OK(result.sequence > after, "the writer counts on within its transaction");
	catalog_rollback(ledger->writer);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(catalog_sequence(ledger->writer, &before, &err));
	IS_INT(before, after, "what was rolled back has used no number");
	catalog_rollback(ledger->writer);
}

static void test_counts(struct ledger *ledger)
{
	struct catalog_counts counts;
	struct event event = some_event(STR("CA3"));
	struct projection_result result;

	MUST(catalog_counts(ledger->writer, &counts, &err));
	IS_INT(counts.calls, 1, "one call so far");
	IS_INT(counts.events_waiting, 0, "all events are projected");
	IS_INT(counts.oldest_queued_at_ms, 0, "nothing is queued");
	ledger_append(ledger, &event);
	MUST(catalog_counts(ledger->writer, &counts, &err));
	IS_INT(counts.events_waiting, 1, "one event waits");
	ledger_project(ledger, &result);
	MUST(catalog_counts(ledger->writer, &counts, &err));
	OK(counts.calls == 2 && counts.events_waiting == 0, "projected, it is a call");
}

static int64_t one_int(struct ledger *ledger, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	MUST(db_prepare(ledger->writer->db, sql, &find, &err));
	return db_step(find, &err) == DB_ROW ? db_column_int(find, 0) : -1;
}

#define LAST_CALL_ID "SELECT MAX(id) FROM calls"
#define LAST_TURN    "SELECT MAX(seq) FROM turns"
#define TURNS        "SELECT COUNT(*) FROM turns"

/* Numbers that are taken for something else leave a gap in the ids. */
static void test_ids(struct ledger *ledger)
{
	struct event event = some_event(STR("CA4"));
	struct projection_result result;
	int64_t before = 0;

	MUST(catalog_begin(ledger->writer, &err));
	for (int i = 0; i < 100; i++)
		before = catalog_next_sequence(ledger->writer);
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(one_int(ledger, LAST_TURN), before, "a turn has the last number that it gave");
	ledger_append(ledger, &event);
	IS_INT(one_int(ledger, LAST_TURN), before, "events alone are no turn");
	ledger_project(ledger, &result);
	IS_INT(one_int(ledger, LAST_CALL_ID), before + 1,
	       "a call's id is a number of the sequence");
	ledger_append(ledger, &event);
	ledger_project(ledger, &result);
	OK(result.count == 0 && result.watermark == one_int(ledger, "SELECT MAX(seq) FROM events"),
	   "an event that changes nothing moves the watermark");
	IS_INT(one_int(ledger, LAST_TURN), result.sequence, "in a turn that is told");
}

static void test_turns(struct ledger *ledger)
{
	int64_t most = 0, calls = 0;
	struct catalog_counts counts;

	MUST(catalog_counts(ledger->writer, &counts, &err));
	calls = counts.calls;
	for (int i = 0; i < 1500; i++) {
		int64_t kept;

		MUST(catalog_begin(ledger->writer, &err));
		(void)catalog_next_sequence(ledger->writer);
		MUST(catalog_commit(ledger->writer, &err));
		kept = one_int(ledger, TURNS);
		most = kept > most ? kept : most;
	}
	if (on_postgres()) { /* where others read them, more are */
		OK(most > 1500, "turns are kept: %lld", (long long)most);
		MUST(db_exec(ledger->writer->db,
			     "INSERT INTO turns (seq, at_ms, watermark, counts) "
			     "SELECT -n, 0, 0, '' FROM generate_series(1, 9000) AS old (n)",
			     &err));
		ledger->writer->turns_left = 0;
		MUST(catalog_begin(ledger->writer, &err));
		(void)catalog_next_sequence(ledger->writer);
		MUST(catalog_commit(ledger->writer, &err));
		most = one_int(ledger, TURNS);
		OK(most > 8000 && most < 8200, "old ones are not: %lld", (long long)most);
	} else {
		OK(most > 100 && most < 600, "some turns are kept, and old ones are not: %lld",
		   (long long)most);
	}
	ledger_reopen(ledger);
	MUST(catalog_counts(ledger->writer, &counts, &err));
	IS_INT(counts.calls, calls, "the counters outlive the turns that changed them");
	MUST(catalog_begin(ledger->writer, &err));
	(void)catalog_next_sequence(ledger->writer);
	MUST(catalog_commit(ledger->writer, &err));
	if (!on_postgres())
		OK(one_int(ledger, TURNS) <= 2, "a start removes those of the process before");
	MUST(db_exec(ledger->writer->db, "UPDATE turns SET counts = '2=x'", &err));
	OK(!catalog_counts(ledger->writer, &counts, &err) && err.kind == ERR_INTERNAL,
	   "counters that are no numbers are an error: %s", err.text);
	MUST(db_exec(ledger->writer->db, "UPDATE turns SET counts = '2=4 99=7'", &err));
	OK(catalog_counts(ledger->writer, &counts, &err) && counts.calls == 4,
	   "a counter that is not known is passed over");
}

/* A removal that was rolled back has seen numbers that were not used. */
static void test_turns_rolled_back(struct ledger *ledger)
{
	struct catalog_counts before, after;

	MUST(catalog_counts(ledger->writer, &before, &err));
	MUST(catalog_begin(ledger->writer, &err));
	ledger->writer->turns_left = 0;
	for (int i = 0; i < 10000; i++)
		(void)catalog_next_sequence(ledger->writer);
	MUST(turn_end(ledger->writer, &err));
	catalog_rollback(ledger->writer);
	for (int i = 0; i < 600; i++) {
		MUST(catalog_begin(ledger->writer, &err));
		(void)catalog_next_sequence(ledger->writer);
		MUST(catalog_commit(ledger->writer, &err));
	}
	MUST(catalog_counts(ledger->writer, &after, &err));
	OK(before.calls > 0 && after.calls == before.calls,
	   "the last turn is never removed: %lld calls", (long long)after.calls);
}

static void test_checkpoint(struct ledger *ledger)
{
	int64_t left_bytes = -1;

	OK(catalog_log_bytes(ledger->writer) > 0, "the log has grown");
	OK(catalog_checkpoint(ledger->writer, &left_bytes, &err), "a checkpoint");
	IS_INT(left_bytes, 0, "moves all of it");
	IS_INT(catalog_log_bytes(ledger->writer), 0, "empties it");
}

static int64_t next_attempt(struct ledger *ledger)
{
	AUTO(db_stmt_reset) struct db_stmt *insert = NULL;
	int64_t id;

	if (on_postgres()) {
		MUST(db_prepare(ledger->writer->db,
				"SELECT nextval(pg_get_serial_sequence('attempts', 'id'))", &insert,
				&err) &&
		     db_step(insert, &err) == DB_ROW);
		return db_column_int(insert, 0);
	}
	MUST(catalog_begin(ledger->writer, &err));
	MUST(db_exec(ledger->writer->db, "PRAGMA defer_foreign_keys = ON", &err));
	MUST(db_prepare(
		ledger->writer->db,
		"INSERT INTO attempts (recording_id, began_at_ms) VALUES (-1, 0) RETURNING id",
		&insert, &err));
	if (db_step(insert, &err) != DB_ROW)
		return -1;
	id = db_column_int(insert, 0);
	db_stmt_reset(insert);
	MUST(db_exec(ledger->writer->db, "DELETE FROM attempts WHERE recording_id = -1", &err));
	MUST(catalog_commit(ledger->writer, &err));
	return id;
}

static void test_leap(struct ledger *ledger)
{
	int64_t sequence = 0, after = 0;

	MUST(catalog_sequence(ledger->writer, &sequence, &err));
	MUST(catalog_begin(ledger->writer, &err));
	OK(catalog_leap(ledger->writer, &err), "a ledger from a copy leaps");
	MUST(catalog_commit(ledger->writer, &err));
	MUST(catalog_sequence(ledger->writer, &after, &err));
	IS_INT(after, sequence + CATALOG_LEAP, "over numbers of the sequence");
	OK(next_attempt(ledger) > CATALOG_LEAP, "and of attempts, though there was none");
	MUST(catalog_begin(ledger->writer, &err));
	OK(catalog_leap(ledger->writer, &err), "and again");
	MUST(catalog_commit(ledger->writer, &err));
	OK(next_attempt(ledger) > 2 * CATALOG_LEAP + 1, "over those that were given");
}

static void set_version(struct ledger *ledger, const char *sql)
{
	MUST(db_exec(ledger->writer->db, sql, &err));
}

/* On a server others may have brought a newer one, beside which we go on as long as it says so. */
static void test_version_of_others(struct ledger *ledger)
{
	struct catalog *catalog = NULL;

	for (int is_reader = 0; is_reader < 2; is_reader++) {
		set_version(ledger, "INSERT INTO schema_version (version, program, oldest) "
				    "SELECT 998, '9.8.7', MAX(version) FROM schema_version");
		OK(catalog_open(ledger->path, is_reader ? CATALOG_READ : CATALOG_WRITE, &catalog,
				&err) == on_postgres(),
		   "a newer one that is known well enough is served on a server alone: %s",
		   err.text);
		catalog_free(TAKE(catalog));
		OK(catalog_check(ledger->path, &err) == on_postgres(), "who looks sees the same");
		set_version(ledger, "UPDATE schema_version SET oldest = 998 WHERE version = 998");
		OK(!catalog_open(ledger->path, is_reader ? CATALOG_READ : CATALOG_WRITE, &catalog,
				 &err) &&
			   err.kind == ERR_INVALID,
		   "one that is not is refused: %s", err.text);
		set_version(ledger, "DELETE FROM schema_version WHERE version = 998");
	}
}

static void test_versions(struct ledger *ledger)
{
	struct catalog *catalog = NULL;

	set_version(ledger, "INSERT INTO schema_version (version, program) VALUES (999, '9.8.7')");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "a reader refuses a newer schema");
	OK(!catalog_open(ledger->path, CATALOG_WRITE, &catalog, &err) && err.kind == ERR_INVALID,
	   "so does a writer");
	OK(str_find_str(str_of(err.text), STR("newer callspool")) < strlen(err.text),
	   "and says why: %s", err.text);
	OK(str_find_str(str_of(err.text), STR("9.8.7")) < strlen(err.text) &&
		   str_find_str(str_of(err.text), STR("backup")) < strlen(err.text),
	   "which one that was, and what to do");
	OK(!catalog_check(ledger->path, &err) && err.kind == ERR_INVALID,
	   "who only looks hears the same");
	set_version(ledger, "DELETE FROM schema_version");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "a reader does not migrate an older one");
	set_version(ledger, "INSERT INTO schema_version (version) VALUES (-9)");
	OK(!catalog_open(ledger->path, CATALOG_WRITE, &catalog, &err) && err.kind == ERR_INVALID,
	   "a writer brings nothing up to date that was never written: %s", err.text);
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "nor does a reader read it: %s", err.text);
	set_version(ledger, "DROP TABLE schema_version");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "what is no ledger is told so: %s", err.text);
	OK(!catalog_open("/tmp/callspool-no-such-ledger", CATALOG_READ, &catalog, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "a reader does not make a ledger");
	OK(catalog_check("/tmp/callspool-no-such-ledger", &err), "which is yet to be made");
	OK(!catalog, "and no catalog came of any of these");
}

/* ---- ledgers of older versions, as the steps of those versions made them ---- */

#define OLD_CALL                                                                            \
	"INSERT INTO calls (id, call_sid, status, direction, started_at_ms, started_rank, " \
	"is_main_fixed, recording_group, recordings, changed_seq) "                         \
	"VALUES (650, 'CA1', 0, 0, 1700000000000, 0, 0, 0, 1, 651);"
#define OLD_RECORDING                                                                              \
	"INSERT INTO recordings (id, recording_sid, call_id, call_sid, state, upstream, is_held, " \
	"is_duration_off, channels_wanted, tries, size, path, stored_at_ms, changed_seq) "         \
	"VALUES (651, 'RE1', 650, 'CA1', 3, 0, 0, 0, 2, 1, 4096, '3f/CA1.RE1.mp3', 1, 651);"
#define OLD_EVENT "INSERT INTO events (seq, kind, received_at_ms) VALUES (3, 1, 1700000000000);"
/* The sequence, the watermark, and how many calls, bytes and recordings: as version 10 found and left them. */
#define OLD_NUMBERS \
	"INSERT INTO ledger_numbers VALUES (0, 700), (1, 3), (2, 5), (3, 4096), (4, 0), (7, 2);"
#define OLD_TURN \
	"INSERT INTO turns (seq, at_ms, watermark, counts) VALUES (700, 1, 3, '2=5 3=4096 7=2');"
#define TURNS_SINCE 10

static struct db *make_old(const struct ledger *ledger, int64_t version)
{
	struct db *db = NULL;

	MUST(db_open(ledger->path, DB_WRITE, &db, &err));
	MUST(db_begin(db, &err));
	MUST(schema_migrate_to(db, version, &err));
	MUST(db_exec(db, OLD_CALL OLD_RECORDING OLD_EVENT, &err));
	MUST(db_exec(db, version < TURNS_SINCE ? OLD_NUMBERS : OLD_TURN, &err));
	MUST(db_commit(db, &err));
	return db;
}

static int64_t version_of(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	MUST(db_prepare(db, "SELECT MAX(version) FROM schema_version", &find, &err));
	return db_step(find, &err) == DB_ROW ? db_column_int(find, 0) : -1;
}

/* As kill -9 in the middle of it, all but the commit done. */
static void migrate_and_die(const struct ledger *ledger)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct schema_wait wait = { 0 };
		struct db *db = NULL;

		if (db_open(ledger->path, DB_WRITE, &db, &err) && db_begin(db, &err) &&
		    schema_migrate(db, &wait, &err))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	OK(WIFSIGNALED(status), "a migration that is killed before its end");
}

static void place_ledger(struct ledger *ledger)
{
	snprintf(ledger->folder, sizeof(ledger->folder), "/tmp/callspool-test.XXXXXX");
	if (!mkdtemp(ledger->folder))
		exit(1);
	snprintf(ledger->path, sizeof(ledger->path), "%s/ledger.db", ledger->folder);
}

static void test_old_ledger(int64_t version)
{
	struct ledger ledger = { .writer = NULL };
	struct catalog *reader = NULL;
	struct catalog_counts counts;
	int64_t sequence = 0;
	struct db *db;

	place_ledger(&ledger);
	db = make_old(&ledger, version);
	OK(!catalog_open(ledger.path, CATALOG_READ, &reader, &err) && err.kind == ERR_INVALID,
	   "version %lld waits for its writer: %s", (long long)version, err.text);
	OK(catalog_check(ledger.path, &err), "who would take it");
	migrate_and_die(&ledger);
	IS_INT(version_of(db), version, "leaves the version that it was");
	db_free(db);

	MUST(catalog_open(ledger.path, CATALOG_WRITE, &ledger.writer, &err));
	OK(catalog_open(ledger.path, CATALOG_READ, &reader, &err), "and then it is up to date");
	MUST(catalog_sequence(reader, &sequence, &err));
	IS_INT(sequence, 700, "the sequence goes on from where it stood");
	MUST(catalog_counts(reader, &counts, &err));
	OK(counts.calls == 5 && counts.bytes_stored == 4096 && counts.recordings[3] == 2,
	   "so do the counters");
	IS_INT(one_int(&ledger, "SELECT COUNT(*) FROM calls c JOIN recordings r ON r.call_id = "
				"c.id WHERE r.path = '3f/CA1.RE1.mp3'"),
	       1, "the rows are there");
	catalog_free(reader);
	ledger_reopen(&ledger);
	ledger_remove(&ledger);
}

static void test_old_ledgers(void)
{
	struct ledger newest;
	int64_t latest;

	ledger_open(&newest);
	latest = version_of(newest.writer->db);
	OK(latest > TURNS_SINCE, "there are older versions");
	IS_INT(one_int(&newest, "SELECT COUNT(*) FROM schema_version WHERE program IS NOT NULL"), 1,
	       "the last step says which callspool took it");
	ledger_remove(&newest);
	for (int64_t version = 1; version < latest; version++)
		test_old_ledger(version);
}

static void test_text_set(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "abcdefg", "abcdefg" },
		{ "abcdefgh", "abcdefg" },
		{ "abcdef\xd7\xa9", "abcdef" }, /* a letter of two bytes over the edge */
		{ "abcde\xd7\xa9", "abcde\xd7\xa9" },
		{ "abcd\xf0\x9f\x98\x80", "abcd" },
	};
	char out[8];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text_set(out, sizeof(out), str_of(cases[i].text));
		IS_STR(str_of(out), str_of(cases[i].want), "text %zu is cut between characters", i);
	}
	text_set(out, sizeof(out), STR_NONE);
	IS_STR(str_of(out), STR(""), "no text is an empty one");
}

/* ---- streams ---- */

static void test_streams_text(void)
{
	static const struct {
		const char *text, *name;
		bool is_read;
		size_t count;
	} cases[] = {
		{ "", "none", true, 0 },
		{ "17=1200", "one", true, 1 },
		{ "17=1200 19=0 -3=9223372036854775807", "three", true, 3 },
		{ "17", "one without a watermark", false, 0 },
		{ "=5", "one without a number", false, 0 },
		{ "17=", "one with an empty watermark", false, 0 },
		{ "17=5x", "a watermark that is no number", false, 0 },
		{ "x=5", "a number that is none", false, 0 },
	};
	AUTO(free) struct catalog *catalog = xcalloc(1, sizeof(*catalog));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_read = streams_read(str_of(cases[i].text), catalog, &err);
		struct buf text;

		OK(is_read == cases[i].is_read, "%s: %s", cases[i].name,
		   cases[i].is_read ? "read" : "refused");
		if (!is_read)
			continue;
		IS_INT(catalog->stream_count, cases[i].count, "%s: so many", cases[i].name);
		buf_init(&text, STREAMS_TEXT_MAX);
		streams_write(catalog, &text);
		IS_STR(buf_str(&text), str_of(cases[i].text), "%s: written as it was",
		       cases[i].name);
		buf_release(&text);
	}
}

/* As many as there may be, and one more. */
static void test_streams_max(struct ledger *ledger)
{
	struct catalog *catalog = ledger->writer;
	struct buf text;

	MUST(catalog_begin(catalog, &err));
	for (int64_t i = 1; i <= STREAMS_MAX; i++)
		MUST(stream_begin(catalog, i, &err));
	OK(!stream_begin(catalog, STREAMS_MAX + 1, &err) && err.kind == ERR_UNAVAILABLE,
	   "one more does not begin: %s", err.text);
	OK(stream_find(catalog, 1) && stream_find(catalog, STREAMS_MAX) &&
		   !stream_find(catalog, STREAMS_MAX + 1),
	   "the others are there");
	buf_init(&text, STREAMS_TEXT_MAX);
	streams_write(catalog, &text);
	OK(streams_read(buf_str(&text), catalog, &err), "so many are read: %s", err.text);
	buf_add_text(&text, " 257=1");
	OK(!streams_read(buf_str(&text), catalog, &err), "one more is not: %s", err.text);
	buf_release(&text);
	catalog->stream_count = 0;
	catalog_rollback(catalog);
}

/* That of turns, one's own, and those of who is no more: how far each was projected. */
static void test_streams(struct ledger *ledger)
{
	struct catalog *catalog = ledger->writer;
	struct stream_mark marks[STREAMS_PROJECTED_MAX];
	int64_t sequence, before, watermark;
	size_t count = 0;
	bool is_past = false;

	MUST(catalog_begin(catalog, &err));
	MUST(number_read(catalog, NUMBER_WATERMARK, &watermark, &err));
	MUST(streams_projected(catalog, marks, &count, &err));
	OK(count == 1 && marks[0].stream == 0 && marks[0].watermark == watermark,
	   "who has none has that of turns alone");
	IS_INT(streams_at_hand(catalog, marks), 1, "and no other at hand");
	MUST(catalog_sequence(catalog, &before, &err));
	MUST(stream_begin(catalog, 7, &err) && stream_begin(catalog, 8, &err) &&
	     stream_begin(catalog, 9, &err));
	MUST(catalog_sequence(catalog, &sequence, &err));
	OK(sequence > before, "that one began a turn tells");
	catalog->process_id = 8;
	stream_adopt(catalog, 9);
	stream_adopt(catalog, 9);
	stream_adopt(catalog, 5); /* it is over */
	MUST(streams_projected(catalog, marks, &count, &err));
	OK(count == 3 && marks[0].stream == 0 && marks[1].stream == 8 && marks[2].stream == 9,
	   "one's own, and that of who is no more, once: %zu", count);
	IS_INT(catalog->orphan_count, 1, "one that is over is looked for no longer");
	OK(streams_at_hand(catalog, marks) == 2 && marks[0].stream == 0 &&
		   marks[0].watermark == watermark && marks[1].stream == 8 &&
		   marks[1].watermark == 0,
	   "one's own is at hand");

	MUST(stream_advance(catalog, &(struct stream_mark){ 8, 12 }, &err));
	MUST(stream_advance(catalog, &(struct stream_mark){ 0, watermark + 3 }, &err));
	OK(streams_at_hand(catalog, marks) == 2 && marks[0].watermark == watermark + 3 &&
		   marks[1].watermark == 12,
	   "both were projected further");
	OK(!stream_advance(catalog, &(struct stream_mark){ 5, 1 }, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "one that is not there is not: %s", err.text);
	for (int64_t event = 11; event <= 13; event++) {
		MUST(stream_is_past(catalog, &(struct stream_mark){ 8, event }, &is_past, &err));
		OK(is_past == (event <= 12), "event %d of it is %s", (int)event,
		   event <= 12 ? "past" : "not");
		MUST(stream_is_past(catalog, &(struct stream_mark){ 0, watermark + event - 9 },
				    &is_past, &err));
		OK(is_past == (event <= 12), "and so it is with turns");
	}
	MUST(stream_is_past(catalog, &(struct stream_mark){ 5, 1 }, &is_past, &err));
	OK(is_past, "all of one that is over is past");
	stream_end(catalog, 7);
	stream_end(catalog, 7);
	OK(!stream_find(catalog, 7) && catalog->stream_count == 2 && stream_find(catalog, 8) &&
		   stream_find(catalog, 9),
	   "one ends, once, and the others stay");
	catalog->process_id = 0;
	catalog->stream_count = catalog->orphan_count = 0;
	catalog_rollback(catalog);
}

/* Before a turn one was not told to anybody, and it is now. */
static void test_stream_turns(struct ledger *ledger)
{
	struct catalog *catalog = ledger->writer;
	int64_t before, after;

	MUST(catalog_begin(catalog, &err));
	MUST(stream_begin(catalog, 7, &err));
	MUST(catalog_commit(catalog, &err));
	MUST(catalog_begin(catalog, &err));
	OK(stream_find(catalog, 7), "what a turn told is there in the next");
	MUST(catalog_sequence(catalog, &before, &err));
	MUST(stream_advance(catalog, &(struct stream_mark){ 7, 2 }, &err));
	MUST(catalog_sequence(catalog, &after, &err));
	IS_INT(after, before + 1, "how far it was projected is told");
	MUST(stream_advance(catalog, &(struct stream_mark){ 7, 3 }, &err));
	MUST(catalog_sequence(catalog, &after, &err));
	IS_INT(after, before + 1, "once in a turn");
	MUST(catalog_commit(catalog, &err));
	MUST(catalog_begin(catalog, &err));
	MUST(catalog_sequence(catalog, &before, &err));
	stream_end(catalog, 7);
	MUST(catalog_sequence(catalog, &after, &err));
	OK(after > before, "that it ended is, too");
	MUST(catalog_commit(catalog, &err));
	MUST(catalog_begin(catalog, &err));
	OK(!stream_find(catalog, 7), "and then it is over");
	catalog_rollback(catalog);
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_sequence(&ledger);
	test_counts(&ledger);
	test_ids(&ledger);
	test_turns_rolled_back(&ledger);
	test_turns(&ledger);
	if (!on_postgres()) /* it does without us */
		test_checkpoint(&ledger);
	test_version_of_others(&ledger);
	test_versions(&ledger);
	ledger_remove(&ledger);
	if (!on_postgres()) /* there are none yet */
		test_old_ledgers();
	test_text_set();
	ledger_open(&ledger);
	test_leap(&ledger);
	ledger_remove(&ledger);
	test_streams_text();
	ledger_open(&ledger);
	test_streams_max(&ledger);
	test_streams(&ledger);
	test_stream_turns(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
