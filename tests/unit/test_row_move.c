/*
 * A ledger in a file, and where it goes on PostgreSQL: each table is taken along or left with a reason, what changes meanwhile comes
 * along, what differs is found.  Run by tests/tools/postgres.
 */
#include "base/clock.h"
#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "refused_calls.h"
#include "schema/schema.h"
#include "tables/arrival.h"
#include "tables/row_move.h"
#include "tables/tables_private.h"
#include "tap.h"

#define NOON  1700000000000
#define CALLS 5000 /* more than a page */
#define TURNS 2000 /* far more than it takes */

static struct err err;
static struct ledger source;
static char place[] = "/tmp/callspool-test.XXXXXX", target[TEST_DATABASE_SIZE];
static struct departure departure = { .name = "0123456789abcdef0123456789abcdef",
				      .to = "database = postgresql://there",
				      .began_at_ms = NOON };

static void exec(struct db *db, const char *sql)
{
	MUST(db_exec(db, sql, &err));
}

static int64_t ask(struct db *db, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(db, sql, &stmt, &err) && db_step(stmt, &err) == DB_ROW);
	return db_column_int(stmt, 0);
}

static void change(const char *sql)
{
	MUST(catalog_begin(source.writer, &err));
	exec(source.writer->db, sql);
	MUST(catalog_commit(source.writer, &err));
}

/* The database is emptied: another test begins. */
static void make_target(void)
{
	static unsigned count;

	if (count++ > 0)
		test_database_remove(place, target);
	test_database_make(place, target);
}

static void forget(int64_t last)
{
	bool is_all = false;

	while (!is_all) {
		MUST(catalog_begin(source.writer, &err));
		MUST(departure_forget(source.writer, last, &is_all, &err));
		MUST(catalog_commit(source.writer, &err));
	}
}

static void begin(struct row_move *move)
{
	MUST(row_move_look(move, &departure, &err));
	MUST(catalog_begin(source.writer, &err));
	MUST(departure_begin(source.writer, &departure, &err));
	MUST(catalog_commit(source.writer, &err));
	MUST(row_move_begin(move, &departure, &err));
}

/* In a transaction.  True: nothing is left. */
static bool give_up_piece(void)
{
	bool is_over = false;

	MUST(catalog_begin(source.writer, &err));
	MUST(departure_end(source.writer, &is_over, &err));
	MUST(catalog_commit(source.writer, &err));
	return is_over;
}

/* The number of transactions that it takes. */
static unsigned give_up(void)
{
	unsigned count = 1;

	while (!give_up_piece() && count < TURNS)
		count++;
	return count;
}

/* Until that phase; false: something differs. */
static bool turn_to(struct row_move *move, enum row_move_phase phase)
{
	struct row_move_turn turn = { .phase = row_move_phase(move) };

	for (int i = 0; i < TURNS && turn.phase != phase; i++) {
		if (!row_move_turn(move, &turn, &err))
			return false;
		if (turn.changes > 0)
			forget(turn.noted_up_to);
	}
	return turn.phase == phase || err_set(&err, ERR_INTERNAL, "it does not get there");
}

/* ---- which tables ---- */

static bool is_listed(struct str name)
{
	bool is_there = false;

	for (size_t i = 0; i < tables_moved_count; i++)
		is_there |= str_eq(name, str_of(tables_moved[i].name));
	for (size_t i = 0; i < tables_left_count; i++)
		is_there |= str_eq(name, str_of(tables_left[i].name));
	return is_there;
}

static void all_are_listed(struct db *db, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	unsigned count = 0;

	MUST(db_prepare(db, sql, &list, &err));
	for (; db_step(list, &err) == DB_ROW; count++)
		OK(is_listed(db_column_str(list, 0)),
		   "table %.*s is taken along, or left with a reason",
		   STR_ARG(db_column_str(list, 0)));
	OK(count > 20, "%u tables", count);
}

static bool is_named(struct str table, struct str columns)
{
	for (size_t i = 0; i < tables_moved_count; i++)
		if (str_eq(table, str_of(tables_moved[i].name)))
			return tables_moved[i].name_column &&
			       str_find_str(columns, str_of(tables_moved[i].name_column)) <
				       columns.len;
	return is_listed(table); /* it is left */
}

static void names_are_listed(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	unsigned count = 0;

	MUST(db_prepare(
		db,
		"SELECT c.relname::text, string_agg(CAST(a.attname AS TEXT), ' ') FROM pg_index i "
		"JOIN pg_class c ON c.oid = i.indrelid "
		"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) "
		"WHERE i.indisunique AND NOT i.indisprimary "
		"AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
		"GROUP BY i.indexrelid, c.relname",
		&list, &err));
	for (; db_step(list, &err) == DB_ROW; count++)
		OK(is_named(db_column_str(list, 0), db_column_str(list, 1)),
		   "of %.*s it is known which of %.*s may change hands",
		   STR_ARG(db_column_str(list, 0)), STR_ARG(db_column_str(list, 1)));
	OK(count >= 4, "%u names", count);
}

static void test_tables(void)
{
	AUTO(catalog_free) struct catalog *there = NULL;

	make_target();
	MUST(catalog_open(target, CATALOG_WRITE, &there, &err));
	all_are_listed(source.writer->db, "SELECT name FROM sqlite_master WHERE type = 'table'");
	all_are_listed(there->db,
		       "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()");
	names_are_listed(there->db);
}

/* ---- rows ---- */

static void fill(void)
{
	char sql[1024];

	MUST(catalog_begin(source.writer, &err));
	snprintf(
		sql, sizeof(sql),
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO calls (id, call_sid, status, direction, from_address, started_at_ms, started_rank, "
		"is_main_fixed, recording_group, recordings, changed_seq) "
		"SELECT i, 'CA' || i, i %% 5, 1, CASE WHEN i %% 3 = 0 THEN NULL ELSE '+1' || i END, i * 1000, 1, 0, 0, 1, i FROM n",
		CALLS);
	exec(source.writer->db, sql);
	exec(source.writer->db,
	     "INSERT INTO recordings (id, recording_sid, call_id, state, upstream, is_held, is_duration_off, "
	     "channels_wanted, tries, changed_seq) "
	     "SELECT id + 100000, 'RE' || id, id, 1, 1, 0, 0, 2, 0, id FROM calls;"
	     "INSERT INTO attempts (recording_id, began_at_ms) SELECT id, id FROM recordings WHERE id % 7 = 0;"
	     "INSERT INTO call_numbers SELECT '1' || id, started_at_ms, id FROM calls;"
	     "INSERT INTO events (kind, received_at_ms, call_sid, raw) SELECT 1, id, call_sid, x'00ff27' FROM calls;"
	     "INSERT INTO store_faults VALUES ('b' || x'c3', 1, 1, NULL, NULL, 0, 0, 0, 0, 'it''s '), ('a', 1, 1, NULL, NULL, 0, 0, 0, 0, '');"
	     "INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) VALUES (1, 1, 'dana', 1, 0, 0, 1);"
	     "INSERT INTO credentials (id, kind, name, hash, user_id, rights, made_at_ms, plays, plays_max, options, changed_seq) "
	     "VALUES (2, 1, 'a', 'h', 1, 0, 0, 0, 0, 0, 1);"
	     "INSERT INTO audit_chains VALUES (1, 'k', 0, 0, NULL);"
	     "INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (1, 1, 0, 'x', 'm'), (1, 2, 0, 'x', 'm');"
	     "INSERT INTO turns (seq, at_ms, watermark, counts) VALUES (7777, 1, 5000, '2=5000')");
	MUST(catalog_commit(source.writer, &err));
}

/* Of every kind: written, changed, removed, another under the same name, of what was copied and of what was not. */
static void change_some(void)
{
	change("UPDATE calls SET status = 9 WHERE id IN (1, 4999);"
	       "INSERT INTO calls (id, call_sid, status, direction, started_at_ms, started_rank, is_main_fixed, recording_group, recordings, changed_seq) "
	       "VALUES (200001, 'CAnew', 1, 1, 1, 1, 0, 0, 1, 1);"
	       "INSERT INTO recordings (id, recording_sid, call_id, state, upstream, is_held, is_duration_off, channels_wanted, tries, changed_seq) "
	       "VALUES (200002, 'REnew', 200001, 1, 1, 0, 0, 2, 0, 1);"
	       "INSERT INTO attempts (recording_id, began_at_ms) VALUES (200002, 1);"
	       "UPDATE attempts SET ended_at_ms = 5 WHERE id = 1;"
	       "DELETE FROM attempts WHERE id = 2;"
	       "DELETE FROM call_numbers WHERE call_id = 77;"
	       "UPDATE call_numbers SET started_at_ms = 3 WHERE call_id = 78;"
	       "DELETE FROM credentials;"
	       "DELETE FROM users;"
	       "INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) VALUES (9, 1, 'dana', 2, 0, 0, 1);"
	       "DELETE FROM audit WHERE seq = 1;"
	       "INSERT INTO events (kind, received_at_ms, call_sid) VALUES (1, 1, 'CAnew')");
}

static void test_moves(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(row_move_free) struct row_move *again = NULL;
	AUTO(catalog_free) struct catalog *there = NULL;
	AUTO(db_free) struct db *reader = NULL;
	struct row_move_turn turn;
	struct departure found;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	MUST(departure_begun(source.path, &found, &err));
	IS_STR(str_of(found.name), str_of(""), "nothing has begun");
	begin(move);
	OK(!catalog_open(target, CATALOG_WRITE, &there, &err) && err.kind == ERR_INVALID,
	   "nobody serves from what is being filled: %s", err.text);
	do
		MUST(row_move_turn(move, &turn, &err));
	while (turn.table && strcmp(turn.table, "recordings") != 0);
	IS_STR(str_of(turn.table), str_of("recordings"), "in the middle of it");
	change_some();
	row_move_free(TAKE(move));

	MUST(row_move_open(source.path, target, &again, &err));
	MUST(departure_begun(source.path, &found, &err));
	IS_STR(str_of(found.name), str_of(departure.name),
	       "the ledger knows that a move has begun");
	begin(again);
	OK(row_move_turn(again, &turn, &err) && turn.changes > 0,
	   "it goes on, with what has changed: %s", err.text);
	OK(strcmp(turn.table, "recordings") == 0 || strcmp(turn.table, "attempts") == 0,
	   "behind what was copied, at %s", turn.table);
	OK(turn_to(again, ROWS_COMPARING), "all is copied: %s", err.text);
	change("DELETE FROM users WHERE id = 9;"
	       "INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) VALUES (10, 1, 'dana', 2, 0, 0, 1);"
	       "UPDATE calls SET status = 8 WHERE id = 2; INSERT INTO upkeep VALUES ('x', 1, 1, '');"
	       "UPDATE store_faults SET kind = 2; UPDATE attempts SET outcome = 'x'; UPDATE call_numbers SET started_at_ms = started_at_ms + 1");
	OK(turn_to(again, ROWS_FOLLOWING), "nothing differs: %s", err.text);
	change("UPDATE calls SET status = 7 WHERE id = 3");
	OK(row_move_complete(again, INT64_MAX, &err), "it is whole: %s", err.text);
	row_move_free(TAKE(again));

	OK(!catalog_open(target, CATALOG_WRITE, &there, &err), "and nobody's yet: %s", err.text);
	catalog_free(TAKE(source.writer));
	MUST(departure_finish(source.path, &departure, &err));
	OK(!catalog_open(source.path, CATALOG_WRITE, &source.writer, &err) &&
		   strstr(err.text, "postgresql://there") != NULL,
	   "the one that was left says where to: %s", err.text);
	OK(!catalog_open(source.path, CATALOG_READ, &source.writer, &err), "readers, too: %s",
	   err.text);
	OK(!catalog_check(source.path, &err), "and who looks: %s", err.text);
	MUST(departure_moved_to(source.path, &found, &err));
	IS_STR(str_of(found.to), str_of(departure.to), "where to");
	str_fit(STR("another"), found.name, sizeof(found.name));
	OK(!arrival_open(target, &found, &err), "another one's is not opened: %s", err.text);
	MUST(db_open(target, DB_WRITE, &reader, &err));
	exec(reader, "BEGIN; LOCK TABLE migration IN ACCESS SHARE MODE");
	OK(arrival_open(target, &departure, &err) && arrival_open(target, &departure, &err),
	   "it is opened, again as well, while somebody reads all of it: %s", err.text);
	exec(reader, "COMMIT");
	OK(arrival_open(target, &departure, &err), "and when nobody does: %s", err.text);
	IS_INT(ask(reader, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'migration'"), 0,
	       "nothing of the move is left");

	MUST(catalog_open(target, CATALOG_WRITE, &there, &err));
	IS_INT(ask(there->db, "SELECT MAX(seq) FROM turns"), 7778, "its sequence goes on");
	IS_INT(ask(there->db, "SELECT COUNT(*) FROM calls"), CALLS + 1, "calls");
	IS_INT(ask(there->db, "SELECT status FROM calls WHERE id = 3"), 7, "what has changed last");
	IS_INT(ask(there->db, "SELECT COUNT(*) FROM users WHERE name = 'dana' AND id = 10"), 1,
	       "another one of the same name");
	IS_INT(ask(there->db, "SELECT COUNT(*) FROM credentials"), 0, "what was removed is");
	IS_INT(ask(there->db, "SELECT COUNT(*) FROM events WHERE stream = 0"), CALLS + 1, "events");
	IS_INT(ask(there->db, "SELECT octet_length(raw) FROM events WHERE seq = 1"), 3, "bytes");
	MUST(db_begin(there->db, &err));
	OK(ask(there->db,
	       "INSERT INTO attempts (recording_id, began_at_ms) VALUES (200002, 1) RETURNING id") >
		   CALLS / 7,
	   "attempts are numbered on");
	db_rollback(there->db);
}

/* ---- how far it is ---- */

static void set_place(struct db *there, const struct tables *tables, size_t table,
		      const struct table_place *behind)
{
	MUST(db_begin(there, &err));
	MUST(arrival_set(there, tables, table, behind, &err));
	MUST(db_commit(there, &err));
}

/* Of each table, whatever its keys are, it is written behind which row the next turn goes on. */
static void test_places(void)
{
	static const char *const numbers[] = { "1700000000000", "-2", "3" };
	static const char *const texts[] = { "1' \xc3\xa9", "-2", "3" };
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(tables_free) struct tables *tables = NULL;
	AUTO(db_free) struct db *from = NULL;
	AUTO(db_free) struct db *there = NULL;
	struct table_place behind = { .is_begun = false }, found;
	size_t table;
	int64_t media;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	MUST(db_open(source.path, DB_READ, &from, &err) && tables_read(from, &tables, &err));
	MUST(db_open(target, DB_WRITE, &there, &err));
	for (size_t i = 0; i < tables_moved_count; i++) {
		char as_set[TABLE_KEYS_MAX][TABLE_KEY_TEXT],
			as_found[TABLE_KEYS_MAX][TABLE_KEY_TEXT];

		if (!table_place_read(tables, i, texts, &behind))
			MUST(table_place_read(tables, i, numbers, &behind));
		set_place(there, tables, i, &behind);
		MUST(arrival_find(there, tables, &table, &found, &err));
		OK(table == i && found.is_begun, "in table %s, behind a row", tables_moved[i].name);
		if (!found.is_begun)
			continue;
		table_place_write(tables, i, &behind, as_set);
		table_place_write(tables, i, &found, as_found);
		for (int k = 0; k < TABLE_KEYS_MAX; k++)
			IS_STR(str_of(as_found[k]), str_of(as_set[k]), "of which key %d is", k + 1);
	}
	set_place(there, tables, 2, &(struct table_place){ .is_begun = false });
	OK(arrival_find(there, tables, &table, &found, &err) && table == 2 && !found.is_begun,
	   "before the first row of a table");
	set_place(there, tables, tables->count, &behind);
	OK(arrival_find(there, tables, &table, &found, &err) && table == tables->count &&
		   !found.is_begun,
	   "behind the last table");
	exec(there, "UPDATE migration SET tab = tab + 1");
	OK(!arrival_find(there, tables, &table, &found, &err) && err.kind == ERR_INTERNAL,
	   "behind that nothing is: %s", err.text);
	exec(there, "UPDATE migration SET tab = -1");
	OK(!arrival_find(there, tables, &table, &found, &err) && err.kind == ERR_INTERNAL,
	   "nor before the first");
	exec(there, "UPDATE migration SET tab = 1, k1 = 'x'");
	OK(!arrival_find(there, tables, &table, &found, &err) && err.kind == ERR_INTERNAL,
	   "nor behind a row that cannot be");
	MUST(arrival_find_media(there, &media, &err));
	IS_INT(media, 0, "no media was brought yet");
	MUST(arrival_set_media(there, INT64_MAX, &err) && arrival_find_media(there, &media, &err));
	IS_INT(media, INT64_MAX, "and then all of it");
	give_up();
}

/* ---- what is refused ---- */

static void reopen_source(void)
{
	AUTO(db_free) struct db *db = NULL;

	MUST(db_open(source.path, DB_WRITE, &db, &err));
	exec(db, "DELETE FROM schema_version WHERE version > 1000000; DROP TABLE departing");
	db_free(TAKE(db));
	MUST(catalog_open(source.path, CATALOG_WRITE, &source.writer, &err));
}

static void test_differences(void)
{
	static const struct {
		const char *sql, *name;
		bool is_late; /* after all was compared */
	} cases[] = {
		{ "UPDATE calls SET status = 77 WHERE id = 4000", "a row", false },
		{ "DELETE FROM audit WHERE seq = 2", "one that is missing", false },
		{ "INSERT INTO upkeep VALUES ('planted', 1, 1, '')", "one too many", false },
		{ "UPDATE events SET raw = '\\x00ff28' WHERE seq = 4999", "a byte", false },
		{ "UPDATE recordings SET hold_reason = '' WHERE id = 100001", "nothing and unknown",
		  true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(row_move_free) struct row_move *move = NULL;
		AUTO(db_free) struct db *there = NULL;

		make_target();
		MUST(row_move_open(source.path, target, &move, &err));
		begin(move);
		MUST(turn_to(move, cases[i].is_late ? ROWS_FOLLOWING : ROWS_COMPARING));
		MUST(db_open(target, DB_WRITE, &there, &err));
		exec(there, cases[i].sql);
		OK((!turn_to(move, ROWS_FOLLOWING) || !row_move_complete(move, INT64_MAX, &err)) &&
			   err.kind == ERR_CONFLICT,
		   "%s is found: %s", cases[i].name, err.text);
		give_up();
	}
}

/* Somebody changes there what is written behind the comparison. */
static void test_read_back(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(db_free) struct db *there = NULL;
	struct row_move_turn turn;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	MUST(turn_to(move, ROWS_FOLLOWING));
	MUST(db_open(target, DB_WRITE, &there, &err));
	exec(there,
	     "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS "
	     "'BEGIN NEW.duration_s = 7; RETURN NEW; END';"
	     "CREATE TRIGGER other BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION other()");
	change("UPDATE calls SET status = 6 WHERE id IN (10, 20, 30)");
	OK(!row_move_turn(move, &turn, &err) && err.kind == ERR_CONFLICT, "it is read back: %s",
	   err.text);
	exec(there, "DROP TRIGGER other ON calls");
	OK(row_move_turn(move, &turn, &err) && turn.changes == 3,
	   "what was not written is written again: %s", err.text);
	give_up();
}

/* In one round: a name that two have exchanged, and one that was left by who is gone, while another row named him. */
static void test_names(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(db_free) struct db *there = NULL;
	struct row_move_turn turn;

	make_target();
	change("INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) "
	       "VALUES (20, 1, 'ann', 2, 0, 0, 1), (21, 1, 'bob', 2, 0, 0, 1);"
	       "INSERT INTO credentials (id, kind, name, hash, user_id, rights, made_at_ms, plays, plays_max, options, changed_seq) "
	       "VALUES (30, 1, 'one', 'h', 20, 0, 0, 0, 0, 0, 1), (31, 1, 'two', 'h', 21, 0, 0, 0, 0, 0, 1)");
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	MUST(turn_to(move, ROWS_FOLLOWING));
	change("UPDATE users SET name = 'x' WHERE id = 20; UPDATE users SET name = 'ann' WHERE id = 21;"
	       "UPDATE users SET name = 'bob' WHERE id = 20;"
	       "UPDATE credentials SET name = 'x' WHERE id = 30; UPDATE credentials SET name = 'one' WHERE id = 31;"
	       "UPDATE credentials SET name = 'two' WHERE id = 30");
	OK(row_move_turn(move, &turn, &err) && turn.changes == 4, "exchanged: %s", err.text);
	forget(turn.noted_up_to);
	change("UPDATE credentials SET user_id = 21 WHERE id = 30; DELETE FROM users WHERE id = 20;"
	       "UPDATE users SET name = 'bob' WHERE id = 21");
	OK(row_move_turn(move, &turn, &err) && turn.changes == 3, "left: %s", err.text);
	MUST(db_open(target, DB_READ, &there, &err));
	IS_INT(ask(there, "SELECT COUNT(*) FROM users WHERE (id, name) IN ((21, 'bob'))"), 1,
	       "whose name it is");
	IS_INT(ask(there, "SELECT COUNT(*) FROM users WHERE id = 20"), 0, "who is gone");
	IS_INT(ask(there,
		   "SELECT COUNT(*) FROM credentials WHERE (id, name) IN ((30, 'two'), (31, 'one'))"),
	       2, "of credentials, too");
	OK(!row_move_complete(move, clock_monotonic_ms() - 1, &err) && err.kind == ERR_UNAVAILABLE,
	   "what is not there in time is given up: %s", err.text);
	OK(row_move_complete(move, INT64_MAX, &err), "and nothing differs: %s", err.text);
	give_up();
	change("DELETE FROM credentials; DELETE FROM users");
}

/* Many notes: those of one table are found without reading all, and the other side waits while they are. */
static void test_many_notes(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(db_free) struct db *there = NULL;
	AUTO(db_stmt_reset) struct db_stmt *plan = NULL;
	struct row_move_turn turn;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	MUST(turn_to(move, ROWS_FOLLOWING));
	MUST(db_prepare(source.writer->db,
			"EXPLAIN QUERY PLAN SELECT DISTINCT k1, k2, k3 FROM departing_notes "
			"WHERE tab = $1",
			&plan, &err) &&
	     db_step(plan, &err) == DB_ROW);
	OK(strstr(db_column_str(plan, 3).at, "(tab=?)") != NULL, "by an index: %.*s",
	   STR_ARG(db_column_str(plan, 3)));
	db_stmt_reset(TAKE(plan));
	MUST(db_open(target, DB_WRITE, &there, &err));
	exec(there,
	     "CREATE FUNCTION patient() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
	     "NEW.duration_s = EXTRACT(EPOCH FROM current_setting(''idle_in_transaction_session_timeout'')::interval); "
	     "RETURN NEW; END';"
	     "CREATE TRIGGER patient BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION patient()");
	change("UPDATE calls SET status = 6, duration_s = 60 WHERE id = 10");
	OK(row_move_turn(move, &turn, &err) && turn.changes == 1, "a minute: %s", err.text);
	exec(there,
	     "CREATE FUNCTION usual() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
	     "ASSERT current_setting(''enable_sort'') = ''on'', ''left behind''; "
	     "RETURN NEW; END';"
	     "CREATE TRIGGER usual BEFORE UPDATE ON migration FOR EACH ROW EXECUTE FUNCTION usual()");
	OK(row_move_set_media(move, 1, &err),
	   "and who is given the session behind us finds it as usual: %s", err.text);
	give_up();
}

/* Whoever is to stop does not come to the end of a turn; and nobody waits for what the database learns of its tables. */
static void test_stops(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	AUTO(db_free) struct db *there = NULL;
	atomic_bool is_to_stop = false;
	struct row_move_turn turn;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	row_move_stop_by(move, &is_to_stop);
	begin(move);
	MUST(row_move_turn(move, &turn, &err));
	MUST(db_open(target, DB_WRITE, &there, &err));
	exec(there, "BEGIN; LOCK TABLE calls IN SHARE UPDATE EXCLUSIVE MODE");
	OK(turn_to(move, ROWS_FOLLOWING), "somebody else analyzes a table: %s", err.text);
	exec(there, "COMMIT");
	change("UPDATE calls SET status = 6");
	atomic_store(&is_to_stop, true);
	OK(!row_move_turn(move, &turn, &err) && err.kind == ERR_UNAVAILABLE && !err.text[0],
	   "it was to stop: %s", err.text);
	atomic_store(&is_to_stop, false);
	OK(row_move_turn(move, &turn, &err) && turn.changes == CALLS + 1, "and goes on: %s",
	   err.text);
	give_up();
}

/* A pause of days: nobody who writes waits for all of them to go. */
static void test_pieces(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	int64_t notes = TABLE_CHANGES_PIECE * 2 + 5;
	bool is_all = true;
	unsigned pieces = 0;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	for (int64_t i = 0; i < notes; i += CALLS)
		change("UPDATE calls SET status = 6");
	do {
		int64_t before = ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes");

		MUST(catalog_begin(source.writer, &err));
		MUST(departure_forget(source.writer, notes, &is_all, &err));
		MUST(catalog_commit(source.writer, &err));
		OK(before - ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes") <=
			   TABLE_CHANGES_PIECE,
		   "a piece of them");
	} while (!is_all && ++pieces < 10);
	IS_INT(pieces, 2, "further pieces");
	IS_INT(ask(source.writer->db, "SELECT MIN(id) FROM departing_notes"), notes + 1,
	       "up to the one that was said");
	for (int64_t i = 0; i < notes; i += CALLS)
		change("UPDATE calls SET status = 7");
	OK(give_up() > 2, "given up in pieces, too");
	IS_INT(ask(source.writer->db,
		   "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"),
	       0, "to the last");
}

static void test_occupied(void)
{
	static const char *const there[] = {
		"CREATE TABLE calls (id BIGINT)",
		"CREATE TABLE schema_version (version BIGINT, program TEXT); INSERT INTO schema_version VALUES (3, NULL)",
	};
	AUTO(catalog_free) struct catalog *other = NULL;
	AUTO(row_move_free) struct row_move *move = NULL;

	for (size_t i = 0; i < ARRAY_LEN(there); i++) {
		AUTO(db_free) struct db *db = NULL;

		make_target();
		MUST(db_open(target, DB_WRITE, &db, &err));
		exec(db, there[i]);
		MUST(row_move_open(source.path, target, &move, &err));
		OK(!row_move_look(move, &departure, &err) && err.kind == ERR_CONFLICT,
		   "not into what has something: %s", err.text);
		row_move_free(TAKE(move));
	}
	make_target();
	MUST(catalog_open(target, CATALOG_WRITE, &other, &err));
	MUST(row_move_open(source.path, target, &move, &err));
	OK(!row_move_look(move, &departure, &err) && err.kind == ERR_CONFLICT,
	   "nor into a ledger: %s", err.text);
}

static void test_given_up(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	struct departure other = departure;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	change("UPDATE calls SET status = 9 WHERE id = 1");
	IS_INT(ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes WHERE tab = 'calls'"),
	       1, "a note has the table's name, whatever is listed before it");
	str_fit(STR("another"), other.name, sizeof(other.name));
	OK(!row_move_look(move, &other, &err) && err.kind == ERR_CONFLICT, "not into another's: %s",
	   err.text);
	MUST(catalog_begin(source.writer, &err));
	OK(!departure_begin(source.writer, &other, &err) && err.kind == ERR_CONFLICT,
	   "one at a time: %s", err.text);
	catalog_rollback(source.writer);
	give_up();
	IS_INT(ask(source.writer->db,
		   "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"),
	       0, "nothing of it is left");
}

/* As callspools before began one: under other names, on whatever they find under these. */
static void begin_older(void)
{
	change("CREATE TABLE IF NOT EXISTS migrating "
	       "(name TEXT PRIMARY KEY, destination TEXT NOT NULL, began_at_ms BIGINT NOT NULL)");
	change("INSERT INTO migrating VALUES ('older', 'database = postgresql://there', 1)");
	change("CREATE TABLE IF NOT EXISTS migrating_notes "
	       "(id INTEGER PRIMARY KEY AUTOINCREMENT, tab TEXT NOT NULL, k1, k2, k3)");
	change("CREATE TRIGGER IF NOT EXISTS migrating_calls_UPDATE AFTER UPDATE ON calls BEGIN "
	       "INSERT INTO migrating_notes (tab, k1, k2, k3) SELECT 'calls', NEW.id, 0, 0; END");
}

static void is_nothing_left(const char *what)
{
	IS_INT(ask(source.writer->db,
		   "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%' OR name LIKE 'migrating%'"),
	       0, "%s", what);
}

static void test_older(void)
{
	AUTO(row_move_free) struct row_move *move = NULL;
	struct departure found;
	int64_t notes, left;
	bool is_over;

	make_target();
	MUST(row_move_open(source.path, target, &move, &err));
	begin(move);
	begin_older();
	change("UPDATE calls SET status = 10 WHERE id = 1");
	IS_INT(ask(source.writer->db, "SELECT COUNT(*) FROM migrating_notes"), 1,
	       "an older one beside it notes for itself");
	change("DELETE FROM migrating_notes");
	IS_INT(ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes"), 1,
	       "and removes none of ours");
	MUST(departure_find(source.writer->db, &found, &err));
	IS_STR(str_of(found.name), str_of(departure.name), "ours is gone on with");
	give_up();
	is_nothing_left("given up, nothing is left of either");

	begin_older();
	MUST(departure_find(source.writer->db, &found, &err));
	OK(found.is_older && found.name[0], "one that an older callspool began is found");
	MUST(catalog_begin(source.writer, &err));
	OK(!departure_begin(source.writer, &departure, &err) && err.kind == ERR_CONFLICT &&
		   strstr(err.text, "--cancel"),
	   "and not gone on with: %s", err.text);
	catalog_rollback(source.writer);
	for (int64_t i = 0; i < 2 * TABLE_CHANGES_PIECE + 1; i += CALLS)
		change("UPDATE calls SET status = 11");
	notes = ask(source.writer->db, "SELECT COUNT(*) FROM migrating_notes");
	OK(notes > 2 * TABLE_CHANGES_PIECE, "it notes much");
	do {
		left = notes;
		is_over = give_up_piece();
		notes = is_over ? 0
				: ask(source.writer->db, "SELECT COUNT(*) FROM migrating_notes");
		OK(left - notes <= TABLE_CHANGES_PIECE, "given up piece by piece");
	} while (!is_over);
	is_nothing_left("until nothing is left");
}

/* A ledger that an older callspool has moved: the last of them say whether it has arrived, the others do not. */
static void test_older_arrived(void)
{
	static const struct {
		const char *columns;
		bool has_arrived;
	} cases[] = {
		{ "", true },
		{ ", has_arrived INTEGER NOT NULL DEFAULT 0", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(free) char *path = xasprintf("%s/older.db", place);
		AUTO(free)
		char *make = xasprintf(
			"CREATE TABLE schema_version (version BIGINT, program TEXT);"
			"CREATE TABLE migrating (name TEXT PRIMARY KEY, destination TEXT NOT NULL, "
			"began_at_ms BIGINT NOT NULL%s);"
			"INSERT INTO migrating (name, destination, began_at_ms) "
			"VALUES ('older', 'database = postgresql://there', 1)",
			cases[i].columns);
		AUTO(db_free) struct db *db = NULL;
		struct departure found;

		MUST(db_open(path, DB_WRITE, &db, &err));
		exec(db, make);
		MUST(schema_mark(db, SCHEMA_MOVED, "database = postgresql://there", &err));
		MUST(departure_moved_to(path, &found, &err));
		IS_STR(str_of(found.to), STR("database = postgresql://there"), "where to");
		OK(found.has_arrived == cases[i].has_arrived, "arrived: %d", found.has_arrived);
		OK(departure_set_arrived(path, &err), "it is told so: %s", err.text);
		OK(departure_moved_to(path, &found, &err) && found.has_arrived, "and says it");
		db_free(TAKE(db));
		unlink(path);
	}
}

/* What it says cannot be read: that is told, and not taken for a ledger that was never moved. */
static void test_unreadable_mark(void)
{
	AUTO(free) char *path = xasprintf("%s/unreadable.db", place);
	AUTO(db_free) struct db *db = NULL;
	struct departure found;

	MUST(db_open(path, DB_WRITE, &db, &err));
	OK(departure_moved_to(path, &found, &err) && !found.to[0], "no ledger at all: no mark");
	exec(db, "CREATE TABLE schema_version (version BIGINT)");
	OK(departure_moved_to(path, &found, &err) && !found.to[0], "no version: no mark");
	exec(db, "INSERT INTO schema_version (version) VALUES (1 << 30)");
	OK(!departure_moved_to(path, &found, &err), "a mark without a text: %s", err.text);
	db_free(TAKE(db));
	unlink(path);
}

/* ---- any one call of a database is refused ---- */

static struct row_move *refused;
static struct departure seen;

static bool open_move(void)
{
	row_move_free(TAKE(refused));
	return row_move_open(source.path, target, &refused, &err);
}

static bool look(void)
{
	return row_move_look(refused, &departure, &err);
}

static bool begin_departure(void)
{
	return departure_begin(source.writer, &departure, &err);
}

static bool begin_rows(void)
{
	return row_move_begin(refused, &departure, &err);
}

static bool count_rows(void)
{
	int64_t rows;

	return row_move_count(refused, &rows, &err) && rows > 0;
}

static bool bring_media(void)
{
	int64_t id;

	return row_move_set_media(refused, 7, &err) && row_move_find_media(refused, &id, &err) &&
	       id == 7;
}

static bool copy_a_turn(void)
{
	struct row_move_turn turn;

	return row_move_turn(refused, &turn, &err);
}

static bool complete(void)
{
	return row_move_complete(refused, INT64_MAX, &err);
}

static bool finish(void)
{
	return departure_finish(source.path, &departure, &err);
}

static bool set_arrived(void)
{
	return departure_set_arrived(source.path, &err) &&
	       departure_moved_to(source.path, &seen, &err) && seen.has_arrived;
}

static bool find_begun(void)
{
	return departure_begun(source.path, &seen, &err) && seen.name[0];
}

static bool open_arrived(void)
{
	return arrival_open(target, &departure, &err);
}

static bool set_media(void)
{
	return departure_set_media(source.writer, 7, &err) &&
	       departure_find_in(source.writer, &seen, &err) && seen.media == 7;
}

static bool set_verified(void)
{
	return departure_set_verified(source.writer, &err) &&
	       departure_find_in(source.writer, &seen, &err) && seen.is_verified;
}

static bool list_noted(void)
{
	struct departure_recording out[4];
	size_t count;
	int64_t last;

	return departure_last(source.writer, &last, &err) &&
	       departure_recordings(source.writer, 0, INT64_MAX, out, ARRAY_LEN(out), &count,
				    &err) &&
	       count == 1;
}

static bool forget_noted(void)
{
	int64_t last;
	bool is_all;

	return departure_last(source.writer, &last, &err) &&
	       departure_forget(source.writer, last, &is_all, &err) && is_all;
}

static bool end_departure(void)
{
	bool is_over;

	return departure_end(source.writer, &is_over, &err);
}

/* Until it is done because none is left; `is_anew`: by a move that is opened again each time. */
static void test_step(const char *name, bool (*step)(void), bool is_anew)
{
	bool is_done = false;
	int call = 0, told = 0;

	while (!is_done && call < 1000) {
		if (is_anew && call > 0)
			MUST(open_move() && begin_rows());
		refuse(++call);
		is_done = step();
		if (!is_done && str_ends(str_of(err.text), STR(REFUSED_TEXT)))
			told++;
		else if (calls_made >= call)
			printf("# %s, call %d: %s\n", name, call, err.text);
		refuse(0);
	}
	OK(is_done && call > 1, "%s: done when nothing is refused: %s", name, err.text);
	IS_INT(told, call - 1, "%s: whatever is refused, it says so", name);
}

static void test_refused(void)
{
	static const struct {
		const char *name;
		bool (*attempt)(void);
	} of_departure[] = {
		{ "how far media is", set_media },
		{ "it is verified", set_verified },
		{ "what was noted", list_noted },
		{ "what is not of use any more", forget_noted },
		{ "it is given up", end_departure },
	};

	make_target();
	counted_of_a_caller = 3;
	change("DELETE FROM attempts; DELETE FROM recordings WHERE id > 100010; DELETE FROM calls WHERE id > 10; "
	       "DELETE FROM call_numbers; DELETE FROM events WHERE seq > 10");
	MUST(open_move());
	test_step("a move is opened", open_move, false);
	test_step("a look at where it goes", look, false);
	test_each_refused(source.writer, begin_departure, &err, "it is noted here");
	begin(refused);
	MUST(open_move());
	test_step("it begins there", begin_rows, false);
	test_step("its rows are counted", count_rows, false);
	test_step("media is brought", bring_media, false);
	change("UPDATE calls SET status = 3; INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) "
	       "VALUES (31, 1, 'ann', 2, 0, 0, 1); UPDATE recordings SET hold_by = 'dana' WHERE id = 100001");
	test_step("a turn of copying", copy_a_turn, true);
	MUST(turn_to(refused, ROWS_FOLLOWING));
	change("DELETE FROM users WHERE id = 31; UPDATE users SET name = 'bob'; DELETE FROM call_numbers; "
	       "UPDATE calls SET status = 4; UPDATE recordings SET hold_by = 'dan' WHERE id = 100001");
	for (size_t i = 0; i < ARRAY_LEN(of_departure); i++)
		test_each_refused(source.writer, of_departure[i].attempt, &err,
				  of_departure[i].name);
	test_step("it is completed", complete, false);
	row_move_free(TAKE(refused));
	test_step("how it began", find_begun, false);
	catalog_free(TAKE(source.writer));
	test_step("it is finished here", finish, false);
	test_step("it arrives there", open_arrived, false);
	test_step("it has arrived", set_arrived, false);
	reopen_source();
}

int main(void)
{
	AUTO(free) char *address = xstrdup(getenv("CALLSPOOL_TEST_DATABASE"));

	if (!mkdtemp(place))
		return 1;
	unsetenv("CALLSPOOL_TEST_DATABASE");
	ledger_open(&source);
	setenv("CALLSPOOL_TEST_DATABASE", address, 1);
	fill();
	test_tables();
	test_places();
	test_given_up();
	test_older();
	test_older_arrived();
	test_unreadable_mark();
	test_moves();
	reopen_source();
	test_differences();
	test_read_back();
	test_names();
	test_many_notes();
	test_stops();
	test_pieces();
	test_occupied();
	test_refused();
	test_database_remove(place, target);
	rmdir(place);
	unsetenv("CALLSPOOL_TEST_DATABASE");
	ledger_remove(&source);
	return tap_end();
}
