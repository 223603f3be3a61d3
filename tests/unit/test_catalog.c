#include "catalog/catalog.h"

#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "tap.h"

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
	OK(most > 100 && most < 600, "some turns are kept, and old ones are not: %lld",
	   (long long)most);
	ledger_reopen(ledger);
	MUST(catalog_counts(ledger->writer, &counts, &err));
	IS_INT(counts.calls, calls, "the counters outlive the turns that changed them");
	MUST(catalog_begin(ledger->writer, &err));
	(void)catalog_next_sequence(ledger->writer);
	MUST(catalog_commit(ledger->writer, &err));
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
	IS_INT(next_attempt(ledger), CATALOG_LEAP + 1, "and of attempts, though there was none");
	MUST(catalog_begin(ledger->writer, &err));
	OK(catalog_leap(ledger->writer, &err), "and again");
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(next_attempt(ledger), 2 * CATALOG_LEAP + 2, "over those that were given");
}

static void set_version(struct ledger *ledger, const char *sql)
{
	MUST(db_exec(ledger->writer->db, sql, &err));
}

static void test_versions(struct ledger *ledger)
{
	struct catalog *catalog = NULL;

	set_version(ledger, "INSERT INTO schema_version VALUES (999)");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "a reader refuses a newer schema");
	OK(!catalog_open(ledger->path, CATALOG_WRITE, &catalog, &err) && err.kind == ERR_INVALID,
	   "so does a writer");
	OK(str_find_str(str_of(err.text), STR("newer callspool")) < strlen(err.text),
	   "and says why: %s", err.text);
	set_version(ledger, "DELETE FROM schema_version");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "a reader does not migrate an older one");
	set_version(ledger, "DROP TABLE schema_version");
	OK(!catalog_open(ledger->path, CATALOG_READ, &catalog, &err) && err.kind == ERR_INVALID,
	   "what is no ledger is told so: %s", err.text);
	OK(!catalog_open("/tmp/callspool-no-such-ledger", CATALOG_READ, &catalog, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "a reader does not make a ledger");
	OK(!catalog, "and no catalog came of any of these");
}

/* A ledger of version 1, as far as the versions differ. */
static void test_migration(struct ledger *ledger)
{
	static const char first[] =
		"DROP INDEX recordings_undigested;"
		"DROP TABLE users; DROP TABLE credentials; DROP TABLE sign_in_failures;"
		"DROP TABLE audit; DROP TABLE audit_chains;"
		"DROP INDEX recordings_by_recheck; DROP INDEX calls_by_ask;"
		"ALTER TABLE recordings DROP COLUMN recheck_at_ms;"
		"ALTER TABLE calls DROP COLUMN ask_at_ms;"
		"DROP INDEX recordings_by_turn;"
		"ALTER TABLE recordings DROP COLUMN queue_rank;"
		"ALTER TABLE recordings DROP COLUMN trying_ms;"
		"ALTER TABLE recordings DROP COLUMN waiting_since_ms;"
		"ALTER TABLE recordings DROP COLUMN limited;"
		"ALTER TABLE recordings DROP COLUMN wait_rule;"
		"DROP TABLE events_set_aside;"
		"DROP TABLE turns;"
		"DROP TABLE reconciliations; DROP TABLE imports;"
		"ALTER TABLE events DROP COLUMN request_id;"
		"ALTER TABLE recordings DROP COLUMN request_id;"
		"CREATE TABLE ledger_numbers (number INTEGER PRIMARY KEY, value BIGINT NOT NULL);"
		"INSERT INTO ledger_numbers VALUES (0, 700), (1, 3), (2, 5), (3, 4096), (4, 0), (7, 2);"
		"DELETE FROM schema_version WHERE version > 1";
	struct catalog *reader = NULL;
	struct catalog_counts counts;
	int64_t sequence = 0;

	MUST(db_exec(ledger->writer->db, first, &err));
	OK(!catalog_open(ledger->path, CATALOG_READ, &reader, &err) && err.kind == ERR_INVALID,
	   "an older ledger waits for its writer");
	ledger_reopen(ledger);
	OK(catalog_open(ledger->path, CATALOG_READ, &reader, &err), "who brings it up to date");
	MUST(catalog_sequence(reader, &sequence, &err));
	IS_INT(sequence, 700, "the sequence goes on from where it stood");
	MUST(catalog_counts(reader, &counts, &err));
	OK(counts.calls == 5 && counts.bytes_stored == 4096 &&
		   counts.recordings[RECORDING_ANNOUNCED] == 0 && counts.recordings[3] == 2,
	   "so do the counters");
	catalog_free(reader);
	OK(db_exec(ledger->writer->db, "DROP INDEX recordings_undigested", &err),
	   "with what is new");
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

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_sequence(&ledger);
	test_counts(&ledger);
	test_ids(&ledger);
	test_turns_rolled_back(&ledger);
	test_turns(&ledger);
	test_checkpoint(&ledger);
	test_migration(&ledger);
	test_versions(&ledger);
	ledger_remove(&ledger);
	test_text_set();
	ledger_open(&ledger);
	test_leap(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
