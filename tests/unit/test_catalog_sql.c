/*
 * Every SQL text of the rooms that have some, found in this very program, into which their libraries are linked whole:
 * texts that no other test happens to prepare are judged as well.
 */
#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "tap.h"

#include <ctype.h>

#define PROGRAM_MAX (256 * 1024 * 1024)
#define TEXTS_LEAST 50 /* there are more: fewer found means that they are no longer found */

static bool is_statement(struct str text)
{
	static const char *const verbs[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "WITH" };
	struct str verb = str_first(text, str_find(text, ' '));

	for (size_t i = 0; verb.len < text.len && i < ARRAY_LEN(verbs); i++)
		if (str_eq(verb, str_of(verbs[i])))
			return true;
	return false;
}

/* The length of what stands in parentheses, both included. */
static size_t in_parentheses(struct str text)
{
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		depth += text.at[i] == '(';
		depth -= text.at[i] == ')';
		if (depth == 0)
			return i + 1;
	}
	return text.len;
}

/* Whether a name, no word of SQL, is what the text begins with. */
static bool begins_with_name(struct str text)
{
	static const char *const words[] = { "WHERE", "UNION", "ORDER", "GROUP",
					     "LIMIT", "JOIN",  "LEFT",  "ON" };
	size_t len = 0;

	text = str_trim(text);
	while (len < text.len && (isalnum((unsigned char)text.at[len]) || text.at[len] == '_'))
		len++;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(str_first(text, len), str_of(words[i])))
			return false;
	return len > 0;
}

/* Before version 16 PostgreSQL refuses a subquery in FROM that has no name. */
static bool has_nameless_table(struct str text)
{
	static const char *const before[] = { "FROM (", "JOIN (" };

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		struct str rest = text;
		size_t at;

		while ((at = str_find_str(rest, str_of(before[i]))) < rest.len) {
			rest = str_after(rest, at + 5);
			if (!begins_with_name(str_after(rest, in_parentheses(rest))))
				return true;
		}
	}
	return false;
}

/* SQLite knows parameters by name: $2 without $1 passes here, and has no type on PostgreSQL. */
static bool has_gap(struct str text)
{
	bool seen[DB_PARAMETERS_MAX + 1] = { false };
	uint64_t most = 0;

	for (size_t i = 0; i < text.len; i++) {
		size_t len = 0;
		uint64_t n;

		if (text.at[i] != '$')
			continue;
		while (i + 1 + len < text.len && ascii_is_digit(text.at[i + 1 + len]))
			len++;
		if (!str_to_u64(str_first(str_after(text, i + 1), len), &n) || n == 0 ||
		    n > DB_PARAMETERS_MAX)
			return true;
		seen[n] = true;
		most = n > most ? n : most;
	}
	for (uint64_t n = 1; n <= most; n++)
		if (!seen[n])
			return true;
	return false;
}

/*
 * PostgreSQL judges a text once it is sent: so it is asked with nothing bound, and may fail for a value that must not be
 * unknown.  What is said to one of both alone names its own tables.
 */
static bool is_understood(struct db *db, struct str text, struct err *err)
{
	static const char *const of_others[2][7] = { { "pg_", " processes", "leases", " FOR UPDATE",
						       "generate_series", "= ANY(", "unnest(" },
						     { "sqlite_", "pragma_", "1 / COUNT" } };
	struct db_stmt *stmt;
	bool is_good;

	for (size_t i = 0; i < ARRAY_LEN(of_others[0]); i++) {
		struct str other = str_of(of_others[on_postgres()][i]);

		if (other.len > 0 && str_find_str(text, other) < text.len)
			return true;
	}
	if (!db_prepare(db, text.at, &stmt, err))
		return false;
	if (!on_postgres())
		return true;
	if (!db_begin(db, err))
		return false;
	is_good = db_step(stmt, err) != DB_FAILED || err->kind == ERR_CONFLICT;
	db_stmt_reset(stmt);
	db_rollback(db);
	return is_good;
}

/* Each with a space before it, so as not to be found itself. */
static void the_judge_itself(void)
{
	OK(has_gap(STR(" SELECT $1, $3")), "a gap is one");
	OK(has_gap(STR(" SELECT $2")), "one at the begin, too");
	OK(!has_gap(STR(" SELECT $2, $1, $2")), "order does not count");
	OK(has_nameless_table(STR(" SELECT a FROM (SELECT (1) a) WHERE a = 1")),
	   "a nameless table");
	OK(has_nameless_table(STR(" SELECT a FROM (SELECT b FROM (SELECT 1 b)) m")),
	   "a nested one");
	OK(!has_nameless_table(STR(" SELECT a FROM (SELECT b FROM (SELECT 1 b) n) m")), "names");
}

int main(void)
{
	AUTO(free) char *program = NULL;
	struct ledger ledger;
	struct err err = { 0 };
	struct str rest;
	size_t size, count = 0;

	the_judge_itself();
	ledger_open(&ledger);
	MUST(file_read("/proc/self/exe", PROGRAM_MAX, &program, &size, &err));
	rest = (struct str){ program, size };
	while (rest.len > 0) {
		struct str text = str_first(rest, str_find(rest, '\0'));

		rest = str_after(rest, text.len + 1);
		if (!is_statement(text))
			continue;
		count++;
		OK(!has_gap(text), "parameters from $1 without a gap: %.*s", STR_ARG(text));
		OK(!has_nameless_table(text), "derived tables have names: %.*s", STR_ARG(text));
		OK(is_understood(ledger.writer->db, text, &err), "it is SQL (%s)", err.text);
	}
	OK(count >= TEXTS_LEAST, "%zu texts", count);
	ledger_remove(&ledger);
	return tap_end();
}
