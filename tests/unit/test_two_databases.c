/*
 * The same, told to a ledger in a file and to one on PostgreSQL, leaves the same rows; and both have the same tables.  Run by
 * tests/tools/postgres.
 */
#include "catalog/attempts.h"
#include "catalog/calls.h"
#include "catalog/catalog_private.h"
#include "catalog/processes.h"
#include "catalog/recordings.h"
#include "catalog/removals.h"
#include "ledger_fixture.h"
#include "listing/calls_list.h"
#include "tap.h"

#define NOON   1700000000000
#define EVENTS 6000
#define SEED   20261129u

static struct err err;

/* In both of them. */
static struct ledger ledgers[2];

static uint32_t state = SEED;

static uint32_t any(uint32_t most)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % most;
}

static void append(const struct event *event)
{
	int64_t seq;

	for (size_t i = 0; i < ARRAY_LEN(ledgers); i++)
		MUST(events_append(ledgers[i].writer, event, &seq, &err));
}

static const char *one_of(const char *const *texts, uint32_t count)
{
	return texts[any(count)];
}

/* What few events have: so that those behind find it there. */
static void add_rarities(struct event *event)
{
	static const char *const parents[] = { "CAparent1", "CAparent2" };

	if (any(4) == 0)
		event->recording_url = STR("https://api.example/recording");
	if (any(5) == 0)
		event->track = STR("both");
	if (any(9) == 0)
		event->encryption = STR("{\"type\":\"rsa-aes\"}");
	if (any(4) == 0)
		event->source = STR("DialVerb");
	if (any(6) == 0)
		event->parent_call_sid = str_of(one_of(parents, ARRAY_LEN(parents)));
	if (any(3) == 0)
		event->request_id = STR("request");
	if (any(3) == 0)
		event->timestamp_ms = NOON + any(100000);
	if (any(20) == 0)
		event->error_code = 16101 + any(5);
}

static void random_event(void)
{
	static const char *const statuses[] = { "ringing", "in-progress", "completed", "busy", "" };
	static const char *const recorded[] = { "in-progress", "paused", "completed", "completed",
						"absent",      "failed", "deleted" };
	static const char *const directions[] = { "inbound", "outbound-api", "outbound-dial", "" };
	static const char *const accounts[] = { "ACa", "ACb", "" };
	char call_sid[SID_SIZE], recording_sid[SID_SIZE], from[32], to[32];
	bool is_call = any(3) == 0;
	struct event event;

	event_init(&event,
		   is_call && any(6) ? EVENT_CALL_STATUS
		   : is_call         ? EVENT_CALL_FETCHED
		   : any(5)          ? EVENT_RECORDING_STATUS
		   : any(4)          ? EVENT_RECORDING_LISTED
				     : EVENT_RECORDING_ADOPTED,
		   NOON + any(100000));
	if (is_call || any(8))
		event.call_sid = sid_text("CA", any(200), call_sid);
	event.account_sid = str_of(one_of(accounts, ARRAY_LEN(accounts)));
	snprintf(from, sizeof(from), "+1555%04u", any(40));
	snprintf(to, sizeof(to), any(5) ? "+972%04u" : "client:\xff%04u", any(40));
	if (is_call || any(2)) {
		event.from = str_of(from);
		event.to = str_of(to);
		event.direction = str_of(one_of(directions, ARRAY_LEN(directions)));
	}
	if (any(2))
		event.started_at_ms = NOON - any(50000000);
	if (is_call) {
		event.status = str_of(one_of(statuses, ARRAY_LEN(statuses)));
		event.sequence_number = any(9);
		if (any(4) == 0)
			event.recording_sid = sid_text("RE", any(300), recording_sid);
	} else {
		event.recording_sid = sid_text("RE", any(300), recording_sid);
		event.status = str_of(one_of(recorded, ARRAY_LEN(recorded)));
		event.duration_s = any(100);
		event.channels = 1 + any(2);
	}
	add_rarities(&event);
	event.raw = (struct str){ "a\0\xff", 3 };
	append(&event);
}

static void fate_of(struct catalog *catalog, unsigned number, uint32_t what)
{
	char sid[SID_SIZE];
	const struct recording_media media = { .stored_at_ms = NOON + 9000,
					       .generation = 7,
					       .generation_at_ms = NOON + 8000,
					       .size = 1234 + number,
					       .duration_ms = 3000,
					       .channels = 2,
					       .format = "mp3",
					       .path = "3f/x.mp3" };
	const struct attempt_begin begin = { .recording_sid = sid_text("RE", number, sid),
					     .began_at_ms = NOON + number };
	int64_t id;

	MUST(catalog_begin(catalog, &err));
	if ((what == 0 && (!attempts_begin(catalog, &begin, &id, &err) ||
			   !recordings_mark_stored(catalog, str_of(sid), &media, &err))) ||
	    (what == 1 && !recordings_mark_dead(catalog, str_of(sid), "refused", "why", &err)) ||
	    (what == 2 && !recordings_mark_deleted(catalog, str_of(sid), NOON, &err))) {
		catalog_rollback(catalog);
		return;
	}
	MUST(catalog_commit(catalog, &err));
}

static void fill(void)
{
	struct projection_result results[2];

	for (unsigned round = 0; round < 5; round++) {
		for (size_t i = 0; i < ARRAY_LEN(ledgers); i++)
			MUST(catalog_begin(ledgers[i].writer, &err));
		for (int i = 0; i < EVENTS / 5; i++)
			random_event();
		for (size_t i = 0; i < ARRAY_LEN(ledgers); i++) {
			MUST(catalog_commit(ledgers[i].writer, &err));
			ledger_project(&ledgers[i], &results[i]);
		}
		OK(results[0].watermark == results[1].watermark &&
			   results[0].sequence == results[1].sequence,
		   "round %u: both stand at event %lld, change %lld", round,
		   (long long)results[0].watermark, (long long)results[0].sequence);
		for (int i = 0; i < 40; i++) {
			unsigned number = any(300);
			uint32_t what = any(3);

			for (size_t at = 0; at < ARRAY_LEN(ledgers); at++)
				fate_of(ledgers[at].writer, number, what);
		}
	}
}

static void compare(const char *what, const char *sql, int columns)
{
	struct db_stmt *of[2];
	enum db_step steps[2];
	unsigned rows = 0, wrong = 0;

	for (size_t i = 0; i < 2; i++)
		MUST(db_prepare(ledgers[i].writer->db, sql, &of[i], &err));
	for (;; rows++) {
		for (size_t i = 0; i < 2; i++)
			steps[i] = db_step(of[i], &err);
		if (steps[0] != DB_ROW || steps[1] != DB_ROW)
			break;
		for (int column = 0; column < columns; column++)
			if (!str_eq(db_column_str(of[0], column), db_column_str(of[1], column)) ||
			    db_column_is_null(of[0], column) != db_column_is_null(of[1], column)) {
				printf("# row %u, column %d: '%.*s' and '%.*s'\n", rows, column,
				       STR_ARG(db_column_str(of[0], column)),
				       STR_ARG(db_column_str(of[1], column)));
				wrong++;
			}
	}
	OK(steps[0] == DB_DONE && steps[1] == DB_DONE && rows > 0 && wrong == 0,
	   "%s: %u rows, all the same", what, rows);
	for (size_t i = 0; i < 2; i++)
		db_stmt_reset(of[i]);
}

static void compare_tables(void)
{
	compare("events",
		"SELECT seq, kind, received_at_ms, account_sid, call_sid, recording_sid, status, "
		"direction, from_address, to_address, raw FROM events ORDER BY seq",
		11);
	compare("calls",
		"SELECT id, call_sid, parent_call_sid, account_sid, status, direction, "
		"direction_text, from_address, to_address, started_at_ms, started_rank, "
		"ended_at_ms, duration_s, main_recording_id, is_main_fixed, recording_group, "
		"recordings, changed_seq, ask_at_ms FROM calls ORDER BY id",
		19);
	compare("numbers",
		"SELECT digits, started_at_ms, call_id FROM call_numbers ORDER BY digits, "
		"started_at_ms, call_id",
		3);
	compare("parts of numbers", "SELECT part, digits FROM number_parts ORDER BY part, digits",
		2);
	compare("recordings",
		"SELECT id, recording_sid, call_id, call_sid, account_sid, state, upstream, "
		"is_held, is_duration_off, started_at_ms, completed_at_ms, duration_s, channels, "
		"error_code, source, track, url, encryption, channels_wanted, queued_at_ms, "
		"next_try_at_ms, first_try_at_ms, tries, reason_code, reason_text, generation, "
		"size, path, stored_at_ms, purged_at_ms, changed_seq, recheck_at_ms, queue_rank, "
		"waveform, live, direction, request_id, trying_ms FROM recordings ORDER BY id",
		38);
	compare("removals", "SELECT seq, recording_sid, call_sid FROM removals ORDER BY seq", 3);
	compare("counters", "SELECT seq, watermark, counts FROM turns ORDER BY seq", 3);
}

static void compare_lists(void)
{
	static const struct call_filter filters[] = {
		{ 0 },
		{ .direction = CALL_INBOUND },
		{ .has_group = true, .group = RECORDING_GROUP_STORED },
		{ .has_group = true, .group = RECORDING_GROUP_STORED, .direction = CALL_OUTBOUND },
		{ .number = STR("555") },
		{ .number = STR("+15550012") },
		{ .number = STR("500"), .direction = CALL_INBOUND },
		{ .fate = CALLS_HELD },
	};
	static struct call_row rows[2][CALLS_PAGE_MAX];

	for (size_t f = 0; f < ARRAY_LEN(filters); f++) {
		struct call_cursor cursors[2] = { { INT64_MAX, INT64_MAX },
						  { INT64_MAX, INT64_MAX } };
		struct call_page pages[2];
		unsigned wrong = 0, count = 0;

		do {
			for (size_t i = 0; i < 2; i++) {
				MUST(calls_list(ledgers[i].writer, &filters[f], &cursors[i],
						rows[i], 20, &pages[i], &err));
				cursors[i] = pages[i].next;
			}
			wrong += pages[0].count != pages[1].count || pages[0].more != pages[1].more;
			for (size_t r = 0; r < pages[0].count && !wrong; r++, count++)
				wrong += rows[0][r].call.id != rows[1][r].call.id ||
					 strcmp(rows[0][r].recording.recording_sid,
						rows[1][r].recording.recording_sid) != 0;
		} while (pages[0].more && !wrong);
		IS_INT(wrong, 0, "filter %zu: %u rows, the same on both", f, count);
	}
}

/* "table.column", each. */
static void compare_schemas(void)
{
	static const char sqlite[] =
		"SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c "
		"WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' UNION ALL "
		"SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
	static const char postgres[] =
		"SELECT (table_name || '.' || column_name)::text COLLATE \"C\" FROM "
		"information_schema.columns WHERE table_schema = current_schema() AND table_name NOT IN ('processes', 'leases') UNION ALL "
		"SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
		"WHERE i.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND NOT indisunique AND i.relname <> 'leases_of_process' ORDER BY 1";
	struct db_stmt *of[2];
	unsigned count = 0;
	bool is_same = true;

	MUST(db_prepare(ledgers[0].writer->db, sqlite, &of[0], &err) &&
	     db_prepare(ledgers[1].writer->db, postgres, &of[1], &err));
	while (is_same && db_step(of[0], &err) == DB_ROW) {
		is_same = db_step(of[1], &err) == DB_ROW &&
			  str_eq(db_column_str(of[0], 0), db_column_str(of[1], 0));
		count++;
		if (!is_same)
			printf("# one has '%.*s', one '%.*s'\n", STR_ARG(db_column_str(of[0], 0)),
			       STR_ARG(db_column_str(of[1], 0)));
	}
	OK(is_same && count > 100 && db_step(of[1], &err) == DB_DONE,
	   "%u columns and indexes, the same on both: %s", count, err.text);
	for (size_t i = 0; i < 2; i++)
		db_stmt_reset(of[i]);
}

static bool write_something(struct catalog *catalog)
{
	if (!catalog_begin(catalog, &err))
		return false;
	(void)catalog_next_sequence(catalog);
	return catalog_commit(catalog, &err);
}

/* Each sees what the other has written; who is taken for dead writes nothing more, and may read. */
static void test_processes(void)
{
	AUTO(catalog_free) struct catalog *second = NULL;
	AUTO(catalog_free) struct catalog *command = NULL;
	struct catalog *first = ledgers[1].writer;
	int64_t sequence;

	MUST(catalog_enlist(ledgers[0].writer, &(struct member_place){ .name = "here" }, &err));
	OK(write_something(ledgers[0].writer), "a ledger in a file has its lock");
	MUST(catalog_enlist(first, &(struct member_place){ .name = "here" }, &err));
	OK(write_something(first), "who is enlisted writes: %s", err.text);
	MUST(catalog_open(ledgers[1].path, CATALOG_WRITE, &command, &err));
	OK(write_something(command) && write_something(first), "beside a command");
	MUST(catalog_open(ledgers[1].path, CATALOG_WRITE, &second, &err));
	MUST(catalog_enlist(second, &(struct member_place){ .name = "there" }, &err));
	OK(write_something(second) && write_something(first), "and beside another process");
	MUST(db_exec(command->db, "DELETE FROM processes WHERE place = 'here'", &err));
	OK(!write_something(first) && err.kind == ERR_UNAVAILABLE, "who is no more is told: %s",
	   err.text);
	OK(!write_something(first) && err.kind == ERR_UNAVAILABLE, "again");
	OK(catalog_sequence(first, &sequence, &err), "and may read");
	OK(write_something(second), "nothing of it reaches the other");
	MUST(catalog_enlist(first, &(struct member_place){ .name = "here" }, &err));
	OK(write_something(first) && write_something(second), "it may begin anew");
}

int main(void)
{
	AUTO(free) char *address = xstrdup(getenv("CALLSPOOL_TEST_DATABASE"));

	unsetenv("CALLSPOOL_TEST_DATABASE");
	ledger_open(&ledgers[0]);
	setenv("CALLSPOOL_TEST_DATABASE", address, 1);
	ledger_open(&ledgers[1]);
	compare_schemas();
	fill();
	compare_tables();
	compare_lists();
	test_processes();
	ledger_remove(&ledgers[1]);
	unsetenv("CALLSPOOL_TEST_DATABASE");
	ledger_remove(&ledgers[0]);
	return tap_end();
}
