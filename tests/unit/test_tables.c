/*
 * Rows of every table on their way to another ledger: pages, digests, places, and what has changed meanwhile.  Both are in a file
 * here; what is a server's alone, names that change hands too, stands in test_row_move.c.
 */
#include "tables/tables.h"

#include "base/clock.h"
#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "tables/departure.h"
#include "tap.h"

#define LONGEST (TABLE_KEY_TEXT - 1)

static struct err err;
static struct ledger source, there;
static struct db *from, *to;
static struct tables *tables;

static void run_on(struct ledger *ledger, const char *sql)
{
	MUST(catalog_begin(ledger->writer, &err));
	MUST(db_exec(ledger->writer->db, sql, &err));
	MUST(catalog_commit(ledger->writer, &err));
}

static void change(const char *sql)
{
	run_on(&source, sql);
}

static int64_t ask(struct db *db, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	MUST(db_prepare(db, sql, &stmt, &err) && db_step(stmt, &err) == DB_ROW);
	return db_column_int(stmt, 0);
}

static void begin_both(void)
{
	MUST(db_begin(from, &err) && db_begin(to, &err));
}

static void end_both(void)
{
	db_rollback(from);
	MUST(db_commit(to, &err));
}

static size_t number_of(const char *name)
{
	size_t i = 0;

	while (i < tables_moved_count && strcmp(tables_moved[i].name, name) != 0)
		i++;
	return i;
}

/* ---- pages ---- */

static void copy_all(size_t table, int64_t most)
{
	struct table_place place = { .is_begun = false };
	struct table_page page;

	do
		MUST(table_copy(tables, table, from, to, most, &place, &page, &err));
	while (!page.is_last);
}

static bool are_alike(size_t table)
{
	struct table_place here = { .is_begun = false }, other = { .is_begun = false };
	uint8_t sha[SHA256_BYTES], sha_there[SHA256_BYTES];
	struct table_page page, page_there;

	MUST(table_digest(tables, table, from, 1000, &here, &page, sha, &err));
	MUST(table_digest(tables, table, to, 1000, &other, &page_there, sha_there, &err));
	return page.rows == page_there.rows && memcmp(sha, sha_there, sizeof(sha)) == 0;
}

static const char rows[] =
	"INSERT INTO upkeep VALUES ('a', 1, -1, ''), ('b', -9007199254740993, 2, 'd' || x'ff'), "
	"('c', 3, 3, 'x'), ('d', 4, 4, 'y');"
	"INSERT INTO calls (id, call_sid, status, direction, from_address, started_at_ms, started_rank, "
	"is_main_fixed, recording_group, recordings, changed_seq) VALUES "
	"(1, 'CA1', 1, 1, NULL, 1, 1, 0, 0, 1, 1), (2, 'CA2', 1, 1, '', 2, 1, 0, 0, 1, 1);"
	"INSERT INTO call_numbers VALUES ('1', 1, 1), ('1', 1, 2), ('1', 2, 1), ('2', 1, 1);"
	"INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) VALUES "
	"(20, 1, 'ann', 2, 0, 0, 1), (21, 1, 'bob', 2, 0, 0, 1), (22, 1, 'cid', 2, 0, 0, 1);"
	"INSERT INTO credentials (id, kind, name, hash, user_id, rights, made_at_ms, plays, plays_max, options, changed_seq) "
	"VALUES (30, 1, 'one', 'h', 20, 0, 0, 0, 0, 0, 1);"
	"INSERT INTO store_faults VALUES ('b' || x'c3', 1, 1, NULL, NULL, 0, 0, 0, 0, 'it''s '), "
	"('a', 1, 1, NULL, NULL, 0, 0, 0, 0, '');"
	"INSERT INTO audit_chains VALUES (1, 'k', 0, 0, NULL);"
	"INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (1, 1, 0, 'x', 'm'), (1, 2, 0, 'x', 'm')";

static void test_pages(void)
{
	static const struct {
		int64_t most, rows[4];
		unsigned count;
	} cases[] = {
		{ 1, { 1, 1, 1, 1 }, 5 }, { 2, { 2, 2, 0 }, 3 }, { 3, { 3, 1 }, 2 },
		{ 4, { 4, 0 }, 2 },       { 5, { 4 }, 1 },
	};
	size_t upkeep = number_of("upkeep");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct table_place place = { .is_begun = false }, read = { .is_begun = false };
		uint8_t sha256[SHA256_BYTES];
		struct table_page page, digested;
		unsigned count = 0;

		begin_both();
		do {
			MUST(table_digest(tables, upkeep, from, cases[i].most, &read, &digested,
					  sha256, &err));
			MUST(table_copy(tables, upkeep, from, to, cases[i].most, &place, &page,
					&err));
			IS_INT(page.rows, count < 4 ? cases[i].rows[count] : 0,
			       "page %u of at most %" PRId64 " rows", count + 1, cases[i].most);
			OK(digested.rows == page.rows && digested.is_last == page.is_last &&
				   strcmp(read.text[0], place.text[0]) == 0,
			   "what is digested are the same");
			count++;
		} while (!page.is_last && count < 10);
		IS_INT(count, cases[i].count, "and no further ones");
		OK(are_alike(upkeep), "all came");
		MUST(db_exec(to, "DELETE FROM upkeep", &err));
		end_both();
	}
}

static void test_all_tables(void)
{
	begin_both();
	for (size_t i = 0; i < tables_moved_count; i++) {
		int64_t here, other;

		if (tables_moved[i].part)
			continue; /* in a file it has no such columns */
		copy_all(i, 2);
		copy_all(i, 3); /* again: what is there is written over */
		MUST(table_count(tables, i, from, &here, &err));
		MUST(table_count(tables, i, to, &other, &err));
		OK(here == other && are_alike(i), "%s: %" PRId64 " rows came", tables_moved[i].name,
		   here);
	}
	end_both();
	IS_INT(ask(to, "SELECT COUNT(*) FROM upkeep WHERE name = 'b' AND at_ms = -9007199254740993 "
		       "AND detail = 'd' || char(65533)"),
	       1, "numbers as they are, and in texts what is none is replaced");
	IS_INT(ask(to, "SELECT COUNT(*) FROM calls WHERE (id = 1 AND from_address IS NULL) "
		       "OR (id = 2 AND from_address = '')"),
	       2, "nothing, and an empty text");
}

static void test_digests(void)
{
	static const struct {
		const char *name, *table, *change, *back;
	} cases[] = {
		{ "a number", "upkeep", "UPDATE upkeep SET count = 1 WHERE name = 'a'",
		  "UPDATE upkeep SET count = -1 WHERE name = 'a'" },
		{ "a number by far", "upkeep",
		  "UPDATE upkeep SET count = 2 + 4294967296 WHERE name = 'b'",
		  "UPDATE upkeep SET count = 2 WHERE name = 'b'" },
		{ "a letter", "upkeep", "UPDATE upkeep SET detail = 'z' WHERE name = 'c'",
		  "UPDATE upkeep SET detail = 'x' WHERE name = 'c'" },
		{ "nothing, for an empty text", "calls",
		  "UPDATE calls SET from_address = NULL WHERE id = 2",
		  "UPDATE calls SET from_address = '' WHERE id = 2" },
		{ "an empty text, for nothing", "calls",
		  "UPDATE calls SET from_address = '' WHERE id = 1",
		  "UPDATE calls SET from_address = NULL WHERE id = 1" },
		{ "zero, for nothing", "calls", "UPDATE calls SET duration_s = 0 WHERE id = 1",
		  "UPDATE calls SET duration_s = NULL WHERE id = 1" },
		{ "a row too many", "upkeep", "INSERT INTO upkeep VALUES ('e', 1, 1, '')",
		  "DELETE FROM upkeep WHERE name = 'e'" },
		{ "a row that is missing", "audit", "DELETE FROM audit WHERE seq = 2",
		  "INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (1, 2, 0, 'x', 'm')" },
		{ "what stands in the column beside", "audit",
		  "UPDATE audit SET kind = 'xm', mac = '' WHERE seq = 2",
		  "UPDATE audit SET kind = 'x', mac = 'm' WHERE seq = 2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run_on(&there, cases[i].change);
		begin_both();
		OK(!are_alike(number_of(cases[i].table)), "%s makes a difference", cases[i].name);
		end_both();
		run_on(&there, cases[i].back);
		begin_both();
		OK(are_alike(number_of(cases[i].table)), "and what was before none");
		end_both();
	}
}

/* ---- places ---- */

static void test_places(void)
{
	static const struct {
		const char *name, *table;
		const char *text[TABLE_KEYS_MAX];
		bool is_good;
	} cases[] = {
		{ "a number", "calls", { "77", "", "" }, true },
		{ "one below 0", "calls", { "-9007199254740993", "", "" }, true },
		{ "a text", "upkeep", { "it's", "", "" }, true },
		{ "two numbers", "audit", { "1", "2", "" }, true },
		{ "a text and two numbers", "call_numbers", { "49", "1700000000000", "5" }, true },
		{ "two texts", "number_parts", { "a", "b", "" }, true },
		{ "no number", "calls", { "x", "", "" }, false },
		{ "nothing for a number", "audit", { "1", "", "" }, false },
		{ "no number behind a text", "call_numbers", { "49", "1", "y" }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t table = number_of(cases[i].table);
		char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT];
		struct table_place place;
		bool is_good = table_place_read(tables, table, cases[i].text, &place);

		OK(is_good == cases[i].is_good, "%s is%s a place", cases[i].name,
		   cases[i].is_good ? "" : " not");
		if (!is_good)
			continue;
		OK(place.is_begun, "behind a row");
		table_place_write(tables, table, &place, text);
		for (int k = 0; k < TABLE_KEYS_MAX; k++)
			IS_STR(str_of(text[k]), str_of(cases[i].text[k]), "as it was said");
	}
}

static void test_long_keys(void)
{
	AUTO(free)
	char *sql = xasprintf("INSERT INTO upkeep VALUES ('%0*d', 1, 1, '')", LONGEST, 0);
	struct table_place place = { .is_begun = false };
	size_t upkeep = number_of("upkeep");
	struct table_page page;

	change(sql);
	begin_both();
	OK(table_copy(tables, upkeep, from, to, 1, &place, &page, &err) &&
		   strlen(place.text[0]) == LONGEST,
	   "a key has room");
	end_both();
	run_on(&there, "DELETE FROM upkeep WHERE name LIKE '00%'");
	change("UPDATE upkeep SET name = name || '0' WHERE name LIKE '00%'");
	begin_both();
	place.is_begun = false;
	OK(!table_copy(tables, upkeep, from, to, 1, &place, &page, &err) &&
		   err.kind == ERR_INTERNAL && strstr(err.text, "'upkeep'"),
	   "for so much: %s", err.text);
	db_rollback(from);
	db_rollback(to);
	change("DELETE FROM upkeep WHERE name LIKE '00%'");
}

/* ---- what changes meanwhile ---- */

static int64_t last_note(void)
{
	int64_t last = -1;

	MUST(table_changes_last(source.writer->db, &last, &err));
	return last;
}

static void forget_all(void)
{
	bool is_all = false;

	while (!is_all) {
		MUST(catalog_begin(source.writer, &err));
		MUST(table_changes_forget(source.writer->db, last_note(), &is_all, &err));
		MUST(catalog_commit(source.writer, &err));
	}
}

static void begin_noting(void)
{
	MUST(catalog_begin(source.writer, &err));
	MUST(table_changes_begin(tables, source.writer->db, &err));
	MUST(catalog_commit(source.writer, &err));
}

static void test_notes(void)
{
	static const struct {
		const char *name, *sql;
		int64_t notes;
	} cases[] = {
		{ "a new row", "INSERT INTO upkeep VALUES ('n', 1, 1, '')", 1 },
		{ "one that is changed", "UPDATE upkeep SET count = 2 WHERE name = 'n'", 1 },
		{ "another key, of which the old one is gone",
		  "UPDATE upkeep SET name = 'o' WHERE name = 'n'", 2 },
		{ "one that is removed", "DELETE FROM upkeep WHERE name = 'o'", 1 },
		{ "the second of three keys",
		  "UPDATE call_numbers SET started_at_ms = 9 "
		  "WHERE digits = '2'",
		  2 },
		{ "the third", "UPDATE call_numbers SET call_id = 2 WHERE digits = '2'", 2 },
		{ "what is no key", "UPDATE users SET role = 1 WHERE id IN (20, 21)", 2 },
		{ "nothing", "UPDATE users SET role = 1 WHERE id = 99", 0 },
		{ "a table that is not taken along",
		  "INSERT INTO turns (seq, at_ms, watermark, counts) VALUES (7777, 1, 1, '')", 0 },
	};

	begin_noting();
	IS_INT(last_note(), 0, "nothing is noted yet");
	begin_noting(); /* again: each is noted once all the same */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t before = last_note();

		change(cases[i].sql);
		IS_INT(last_note() - before, cases[i].notes, "notes of %s", cases[i].name);
	}
	IS_INT(ask(source.writer->db,
		   "SELECT COUNT(*) FROM departing_notes WHERE tab = 'call_numbers' "
		   "AND (k1, k2, k3) IN (('2', 1, 1), ('2', 9, 1), ('2', 9, 2))"),
	       4, "the keys of before, and of then");
}

/* ---- and is written there ---- */

static bool apply(struct table_changes *changes)
{
	bool is_good;

	changes->tables = tables;
	changes->from = from;
	changes->to = to;
	if (changes->count == 0)
		changes->count = tables_moved_count;
	if (changes->until_ms == 0)
		changes->until_ms = INT64_MAX;
	begin_both();
	is_good = table_changes_apply(changes, &err);
	db_rollback(from);
	if (is_good)
		MUST(db_commit(to, &err));
	else
		db_rollback(to);
	return is_good;
}

static void all_are_alike(const char *name)
{
	begin_both();
	for (size_t i = 0; i < tables_moved_count; i++)
		if (!tables_moved[i].part && !are_alike(i))
			OK(false, "%s: %s differs", name, tables_moved[i].name);
	end_both();
	OK(true, "%s: all is there as it is here", name);
}

static void test_apply(void)
{
	static const struct {
		const char *name, *sql;
		int64_t keys;
	} cases[] = {
		{ "nothing", "DELETE FROM upkeep WHERE name = 'nobody'", 0 },
		{ "a row twice",
		  "UPDATE upkeep SET count = 9 WHERE name = 'a'; UPDATE upkeep SET count = 8 WHERE name = 'a'",
		  1 },
		{ "new ones, one of the other",
		  "INSERT INTO audit_chains VALUES (2, 'k', 0, 0, NULL);"
		  "INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (2, 1, 0, 'x', 'm')",
		  2 },
		{ "both are gone",
		  "DELETE FROM audit WHERE chain = 2; DELETE FROM audit_chains WHERE chain = 2",
		  2 },
		{ "one that came and went",
		  "INSERT INTO upkeep VALUES ('q', 1, 1, ''); DELETE FROM upkeep WHERE name = 'q'",
		  1 },
		{ "one that went and came",
		  "DELETE FROM audit WHERE seq = 2; "
		  "INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (1, 2, 7, 'y', 'm')",
		  1 },
		{ "another key", "UPDATE upkeep SET name = 'dd' WHERE name = 'd'", 2 },
		{ "one of three keys", "UPDATE call_numbers SET call_id = 1 WHERE digits = '2'",
		  2 },
		{ "texts that are none",
		  "UPDATE store_faults SET reason = 'x' || x'ff' WHERE path LIKE 'b%'", 1 },
		{ "a key that is none, and gone", "DELETE FROM store_faults WHERE path LIKE 'b%'",
		  1 },
	};

	forget_all();
	begin_both();
	for (size_t i = 0; i < tables_moved_count; i++)
		if (!tables_moved[i].part)
			copy_all(i, 100);
	MUST(db_exec(to, "DELETE FROM call_numbers WHERE digits = '2' AND started_at_ms = 1",
		     &err));
	end_both();
	all_are_alike("before");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct table_changes changes = { .compares = true };

		change(cases[i].sql);
		OK(apply(&changes), "%s", err.text);
		IS_INT(changes.keys, cases[i].keys, "%s: keys", cases[i].name);
		all_are_alike(cases[i].name);
		forget_all();
	}
}

/* Those of the tables up to the one that is copied just now alone. */
static void test_some_tables(void)
{
	struct table_changes changes = { .count = number_of("audit") };

	change("UPDATE upkeep SET count = 4 WHERE name = 'a'; UPDATE audit SET kind = 'z' WHERE seq = 1;"
	       "DELETE FROM audit WHERE seq = 2");
	OK(apply(&changes) && changes.keys == 1, "of the first tables alone");
	IS_INT(ask(to, "SELECT count FROM upkeep WHERE name = 'a'"), 4, "it is written");
	IS_INT(ask(to, "SELECT COUNT(*) FROM audit WHERE kind <> 'z'"), 2, "of others nothing is");
	changes = (struct table_changes){ .count = number_of("audit") + 1 };
	OK(apply(&changes) && changes.keys == 3, "with the next");
	IS_INT(ask(to, "SELECT COUNT(*) FROM audit WHERE kind = 'z'"), 1, "that is, too");
	IS_INT(ask(to, "SELECT COUNT(*) FROM audit"), 1, "and what is gone is");
	change("INSERT INTO audit (chain, seq, at_ms, kind, mac) VALUES (1, 2, 0, 'x', 'm')");
	changes = (struct table_changes){ .count = 0 };
	OK(apply(&changes), "all of them");
	forget_all();
}

static void test_limits(void)
{
	atomic_bool is_to_stop = false;
	struct table_changes late = { .until_ms = clock_monotonic_ms() - 1000 };
	struct table_changes stopped = { .is_to_stop = &is_to_stop };

	change("UPDATE upkeep SET count = 5 WHERE name = 'a'");
	OK(!apply(&late) && err.kind == ERR_UNAVAILABLE &&
		   strcmp(err.text, TABLE_CHANGES_LATE) == 0,
	   "what is late is given up");
	late = (struct table_changes){ .until_ms = clock_monotonic_ms() + 600000 };
	OK(apply(&late), "what is not is not");
	OK(apply(&stopped), "nor what nobody stops");
	atomic_store(&is_to_stop, true);
	stopped = (struct table_changes){ .is_to_stop = &is_to_stop };
	OK(!apply(&stopped) && err.kind == ERR_UNAVAILABLE && err.text[0] == '\0',
	   "what is stopped says nothing more");
	forget_all();
}

/* More than is sent at once; and whoever is to stop does so in between. */
static void test_many(void)
{
	static const char *const cases[] = { "UPDATE upstream_deletions SET at_ms = 2",
					     "DELETE FROM upstream_deletions" };
	atomic_bool is_to_stop = true;
	struct table_changes changes = { .compares = true };

	change("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1501) "
	       "INSERT INTO upstream_deletions SELECT i, 1, 'RE' FROM n");
	OK(apply(&changes) && changes.keys == 1501, "many are written: %s", err.text);
	all_are_alike("many");
	begin_both();
	copy_all(number_of("upstream_deletions"), 1501);
	copy_all(number_of("upstream_deletions"), 1000);
	end_both();
	all_are_alike("many that are copied");
	forget_all();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		change(cases[i]);
		changes = (struct table_changes){ .is_to_stop = &is_to_stop };
		OK(!apply(&changes) && changes.keys < 1501, "who is to stop does not do all first");
		changes = (struct table_changes){ .until_ms = clock_monotonic_ms() - 1000 };
		OK(!apply(&changes) && changes.keys < 1501, "nor who is late");
		changes = (struct table_changes){ .compares = true };
		OK(apply(&changes) && changes.keys == 1501, "who is not does: %s", err.text);
		all_are_alike(cases[i]);
		forget_all();
	}
}

/* In the place of its '#'; for free(). */
static char *with_number(const char *sql, int number)
{
	size_t at = strcspn(sql, "#");

	return xasprintf("%.*s%d%s", (int)at, sql, number, sql + at + 1);
}

/* What is written is read back some rows at a time: wherever it differs, it is found. */
static void test_read_back(void)
{
	static const struct {
		const char *table, *make, *differ, *text;
		int counts[4];
	} cases[] = {
		{ "upstream_deletions",
		  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < #) "
		  "INSERT INTO upstream_deletions SELECT i + 1000, 1, 'RE' FROM n",
		  "CREATE TRIGGER other AFTER INSERT ON upstream_deletions WHEN NEW.seq = 1000 + # BEGIN "
		  "UPDATE upstream_deletions SET at_ms = 2 WHERE seq = NEW.seq; END",
		  "table upstream_deletions differs at one of seq 10",
		  { 1, 31, 32, 33 } },
		{ "sign_in_failures",
		  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < #) "
		  "INSERT INTO sign_in_failures SELECT i + 1000, 1, 1 FROM n",
		  "CREATE TRIGGER other AFTER INSERT ON sign_in_failures WHEN NEW.name_hash = CAST(1000 + # AS TEXT) BEGIN "
		  "UPDATE sign_in_failures SET failures = 2 WHERE name_hash = NEW.name_hash; END",
		  "table sign_in_failures differs at one of name_hash '10",
		  { 2, 31, 32, 64 } },
		{ "call_numbers",
		  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < #) "
		  "INSERT INTO call_numbers SELECT 'n', 1000 + i, 1 FROM n",
		  "CREATE TRIGGER other AFTER INSERT ON call_numbers WHEN NEW.started_at_ms = 1000 + # BEGIN "
		  "DELETE FROM call_numbers WHERE started_at_ms = NEW.started_at_ms; END",
		  "table call_numbers differs at one of digits 'n' to 'n'",
		  { 20, 21, 22, 43 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(cases[i].counts); k++) {
			int count = cases[i].counts[k];
			AUTO(free) char *make = with_number(cases[i].make, count);
			AUTO(free) char *differ = with_number(cases[i].differ, count);
			struct table_changes changes = { .compares = true };

			change(make);
			run_on(&there, differ);
			OK(!apply(&changes) && err.kind == ERR_CONFLICT &&
				   strstr(err.text, cases[i].text),
			   "the last of %d is found: %s", count, err.text);
			changes = (struct table_changes){ .compares = false };
			OK(apply(&changes), "nobody looks where nobody is to");
			run_on(&there, "DROP TRIGGER other");
			changes = (struct table_changes){ .compares = true };
			OK(apply(&changes) && changes.keys == count, "%d are written again", count);
			change("DELETE FROM upstream_deletions; DELETE FROM sign_in_failures; "
			       "DELETE FROM call_numbers WHERE digits = 'n'");
			changes = (struct table_changes){ .compares = true };
			OK(apply(&changes) && changes.keys == count, "and removed: %s", err.text);
			all_are_alike(cases[i].table);
			forget_all();
		}
}

/* In pieces, for other writers wait meanwhile. */
static void test_forgetting(void)
{
	static const struct {
		const char *name;
		int64_t notes, last;
		bool is_all;
		int64_t left;
	} cases[] = {
		{ "none", 0, 0, true, 0 },
		{ "one", 1, 1, true, 0 },
		{ "a piece", TABLE_CHANGES_PIECE, TABLE_CHANGES_PIECE, true, 0 },
		{ "one more", TABLE_CHANGES_PIECE + 1, TABLE_CHANGES_PIECE + 1, false, 1 },
		{ "those before the last", 5, 4, true, 1 },
		{ "all but one of more than a piece", TABLE_CHANGES_PIECE + 1, TABLE_CHANGES_PIECE,
		  true, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(free)
		char *make = xasprintf(
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %" PRId64
			") INSERT INTO departing_notes (tab, k1, k2, k3) SELECT 'calls', i, 0, 0 FROM n "
			"WHERE %" PRId64 " > 0",
			cases[i].notes, cases[i].notes);
		int64_t first = last_note();
		bool is_all = !cases[i].is_all;

		forget_all();
		first = ask(source.writer->db,
			    "SELECT seq FROM sqlite_sequence WHERE name = 'departing_notes'");
		change(make);
		MUST(catalog_begin(source.writer, &err));
		MUST(table_changes_forget(source.writer->db, first + cases[i].last, &is_all, &err));
		MUST(catalog_commit(source.writer, &err));
		OK(is_all == cases[i].is_all, "%s: %s", cases[i].name,
		   cases[i].is_all ? "at once" : "a piece of them");
		IS_INT(ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes"),
		       cases[i].left, "and what is left is");
	}
	forget_all();
}

static int64_t traces(const char *type)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	MUST(db_prepare(source.writer->db,
			"SELECT COUNT(*) FROM sqlite_master WHERE type = $1 AND "
			"(name LIKE 'departing%' OR name LIKE 'migrating%')",
			&count, &err));
	db_bind_str(count, 1, str_of(type));
	MUST(db_step(count, &err) == DB_ROW);
	return db_column_int(count, 0);
}

static bool end_piece(void)
{
	bool is_over = false;

	MUST(catalog_begin(source.writer, &err));
	MUST(table_changes_end(tables, source.writer->db, &is_over, &err));
	MUST(catalog_commit(source.writer, &err));
	return is_over;
}

static void test_end(void)
{
	int pieces = 1;

	change("CREATE TABLE migrating_notes (id INTEGER PRIMARY KEY AUTOINCREMENT, tab TEXT);"
	       "CREATE TRIGGER migrating_calls_INSERT AFTER INSERT ON calls BEGIN "
	       "INSERT INTO migrating_notes (tab) VALUES ('calls'); END;"
	       "INSERT INTO migrating_notes (tab) VALUES ('calls');"
	       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) "
	       "INSERT INTO departing_notes (tab, k1, k2, k3) SELECT 'calls', i, 0, 0 FROM n");
	OK(!end_piece(), "much that was noted goes piece by piece");
	IS_INT(traces("trigger"), 0, "nothing is noted any more, nor by an older one");
	IS_INT(ask(source.writer->db, "SELECT COUNT(*) FROM departing_notes"), 1,
	       "a piece of it is gone");
	while (!end_piece() && pieces < 10)
		pieces++;
	OK(pieces < 10, "and then all of it, an older one's, too");
	IS_INT(traces("table"), 0, "nothing of it is left");
	OK(end_piece(), "nor is there anything to do when it is over");
	change("UPDATE calls SET status = 2"); /* nobody notes it: there is no table to */
}

/* Nothing that fails passes for done. */
static void test_failures(void)
{
	struct table_place nowhere = { .is_begun = false };
	struct table_changes changes = { .compares = true };
	size_t audit = number_of("audit");
	uint8_t sha256[SHA256_BYTES];
	struct table_page page;
	bool is_over;
	int64_t n;

	OK(!table_changes_last(from, &n, &err), "nothing was noted: %s", err.text);
	OK(!table_changes_forget(source.writer->db, 1, &is_over, &err), "nor forgotten: %s",
	   err.text);
	OK(!apply(&changes), "nor can be written: %s", err.text);
	OK(!table_changes_begin(tables, from, &err), "who only reads notes nothing: %s", err.text);
	begin_noting();
	OK(!table_changes_end(tables, from, &is_over, &err), "nor ends it: %s", err.text);
	change("INSERT INTO upkeep VALUES ('late', 1, 1, '')");
	run_on(&there, "DROP TABLE audit");
	OK(!table_copy(tables, audit, from, to, 1, &nowhere, &page, &err), "not there: %s",
	   err.text);
	OK(!table_digest(tables, audit, to, 1, &nowhere, &page, sha256, &err), "%s", err.text);
	OK(!table_count(tables, audit, to, &n, &err) && !table_analyze(tables, audit, to, &err),
	   "%s", err.text);
	run_on(&there,
	       "CREATE TRIGGER no BEFORE INSERT ON upkeep BEGIN SELECT RAISE(ABORT, 'no'); END");
	OK(!apply(&changes), "what is refused is not written: %s", err.text);
	run_on(&there, "DROP TRIGGER no");
	OK(apply(&changes), "and is once it is not: %s", err.text);
	change("DELETE FROM upkeep WHERE name = 'late'");
	run_on(&there,
	       "CREATE TRIGGER no BEFORE DELETE ON upkeep BEGIN SELECT RAISE(ABORT, 'no'); END");
	OK(!apply(&changes), "nor removed: %s", err.text);
}

/* Where nobody moves, or has ended it meanwhile, there is no note that anybody waits for. */
static void test_no_departure(void)
{
	bool is_all = false;

	MUST(catalog_begin(source.writer, &err));
	OK(departure_forget(source.writer, 0, &is_all, &err) && is_all,
	   "no departure: all is forgotten");
	catalog_rollback(source.writer);
}

int main(void)
{
	ledger_open(&source);
	ledger_open(&there);
	MUST(db_open(source.path, DB_READ, &from, &err) &&
	     db_open(there.path, DB_WRITE, &to, &err));
	MUST(tables_read(from, &tables, &err));
	change(rows);
	test_pages();
	test_all_tables();
	test_digests();
	test_places();
	test_long_keys();
	test_notes();
	test_apply();
	test_some_tables();
	test_limits();
	test_read_back();
	test_many();
	test_forgetting();
	test_end();
	test_failures();
	test_no_departure();
	db_free(from);
	db_free(to);
	tables_free(tables);
	ledger_remove(&source);
	ledger_remove(&there);
	return tap_end();
}
