#include "chores/notices_expired.h"

#include "catalog/catalog_sql.h"
#include "catalog/recordings_hold.h"
#include "catalog/removals.h"
#include "chores/notices_queue.h"
#include "db/db.h"

#include "stored_fixture.h"
#include "tap.h"

#define ONE "AC00000000000000000000000000000001"
#define TWO "AC00000000000000000000000000000002"

/* As the file under test has it. */
#define CLASSES                                                                             \
	"SELECT COALESCE(account_sid, ''), direction, upstream_copy FROM recordings WHERE " \
	"stored_at_ms IS NOT NULL AND purged_at_ms IS NULL AND is_held = 0 AND COALESCE(account_sid, '')"

static void change(const char *sql)
{
	MUST(catalog_begin(ledger.writer, &err));
	MUST(db_exec(catalog_db(ledger.writer), sql, &err));
	MUST(catalog_commit(ledger.writer, &err));
}

/* How many classes there are, and what the last one is. */
static size_t count_classes(struct expiry_class *last)
{
	struct expiry_class class = { .direction = -1, .upstream_copy = -1 };
	size_t count = 0;
	bool is_found = true;

	for (; is_found; count++) {
		*last = class;
		MUST(expiry_class_next(ledger.writer, &class, &is_found, &err));
	}
	return count - 1;
}

static size_t list(const struct expiry_class *class, struct expiry after, int64_t before_ms,
		   struct expiry *out, size_t size)
{
	size_t count;

	MUST(expiries_list(ledger.writer, class, &after, before_ms, out, size, &count, &err));
	return count;
}

static bool note(int64_t id)
{
	bool is_new;

	MUST(catalog_begin(ledger.writer, &err));
	MUST(expiries_note(ledger.writer, id, &is_new, &err));
	MUST(catalog_commit(ledger.writer, &err));
	return is_new;
}

static bool is_searched(const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *plan = NULL;
	bool good = true, any = false;

	MUST(db_prepare(catalog_db(ledger.writer), sql, &plan, &err));
	while (db_step(plan, &err) == DB_ROW) {
		struct str text = db_column_str(plan, 3);

		any = true;
		good = good &&
		       str_starts(text, STR("SEARCH recordings USING INDEX recordings_by_age"));
	}
	return good && any;
}

static void test_state(void)
{
	struct notify_state state = { 1, 2, "abc" }, found;

	MUST(notify_state_find(ledger.writer, &found, &err));
	IS_INT(found.since_ms, 0, "at first nobody is told");
	for (int i = 0; i < 2; i++) {
		MUST(catalog_begin(ledger.writer, &err));
		MUST(notify_state_set(ledger.writer, &state, &err));
		MUST(catalog_commit(ledger.writer, &err));
		MUST(notify_state_find(ledger.writer, &found, &err));
		OK(found.since_ms == state.since_ms &&
			   found.expired_until_ms == state.expired_until_ms &&
			   strcmp(found.rules, state.rules) == 0,
		   "each column is where it belongs");
		state = (struct notify_state){ 5, 6, "def" };
	}
	state.since_ms = 0;
	MUST(catalog_begin(ledger.writer, &err));
	MUST(notify_state_set(ledger.writer, &state, &err));
	MUST(catalog_commit(ledger.writer, &err));
	MUST(notify_state_find(ledger.writer, &found, &err));
	OK(found.since_ms == 0 && found.rules[0] == '\0', "and forgotten");
}

static void test_classes(void)
{
	struct expiry_class class;
	char sid[SID_SIZE];

	IS_INT(count_classes(&class), 0, "no recordings, no classes");
	for (unsigned n = 1; n <= 6; n++)
		store(n, sid);
	change("UPDATE recordings SET started_at_ms = 1000 + id, account_sid = '" ONE "'");
	IS_INT(count_classes(&class), 1, "one");
	change("UPDATE recordings SET direction = 1 WHERE recording_sid LIKE '%2'");
	change("UPDATE recordings SET upstream_copy = 1 WHERE recording_sid LIKE '%3'");
	change("UPDATE recordings SET account_sid = NULL WHERE recording_sid LIKE '%4'");
	change("UPDATE recordings SET account_sid = '" TWO
	       "', direction = 2 WHERE recording_sid LIKE '%5'");
	IS_INT(count_classes(&class), 5, "each that differs");
	IS_STR(str_of(class.account_sid), STR(TWO), "in their order");
	IS_INT(class.direction, 2, "of that direction");
	change("UPDATE recordings SET is_held = 1 WHERE recording_sid LIKE '%5'");
	IS_INT(count_classes(&class), 4, "what is held ages not");
	change("UPDATE recordings SET account_sid = '" ONE
	       "', direction = 0, upstream_copy = 0, is_held = 0");
}

static void test_range(void)
{
	struct expiry_class class = { .account_sid = ONE };
	struct expiry page[8], start = { .started_at_ms = 2000 };
	int64_t first;

	change("UPDATE recordings SET started_at_ms = 2000");
	IS_INT(list(&class, start, 2001, page, 8), 6, "all that began at that instant");
	first = page[0].recording_id;
	IS_INT(list(&class, start, 2000, page, 8), 0, "none before it");
	IS_INT(list(&class, start, 2001, page, 4), 4, "a page of them");
	IS_INT(list(&class, page[3], 2001, page, 4), 2, "and the rest, though they began at once");
	start.started_at_ms = 2001;
	IS_INT(list(&class, start, 9000, page, 8), 0, "none after it");
	start.started_at_ms = 0;
	class.direction = 1;
	IS_INT(list(&class, start, 9000, page, 8), 0, "none of another class");
	class.direction = 0;

	OK(note(first), "one is told of");
	OK(!note(first), "once");
	IS_INT(list(&class, start, 9000, page, 8), 5, "and is not listed again");
	change("UPDATE recordings SET is_held = 1 WHERE expired_seq IS NULL");
	OK(!note(page[0].recording_id), "not where it was held meanwhile");
	change("UPDATE recordings SET is_held = 0, state = 1 WHERE expired_seq IS NULL");
	OK(!note(page[0].recording_id), "nor where it is fetched anew");
	IS_INT(list(&class, start, 9000, page, 8), 0, "which is not listed");
}

int main(void)
{
	ledger_open(&ledger);
	catalog_notify(ledger.writer, true);
	test_state();
	test_classes();
	test_range();
	OK(is_searched("EXPLAIN QUERY PLAN " CLASSES
		       " = 'a' AND direction = 1 AND upstream_copy > 0 "
		       "ORDER BY upstream_copy LIMIT 1") &&
		   is_searched("EXPLAIN QUERY PLAN " CLASSES " = 'a' AND direction > 1 "
			       "ORDER BY direction, upstream_copy LIMIT 1") &&
		   is_searched("EXPLAIN QUERY PLAN " CLASSES
			       " > 'a' ORDER BY COALESCE(account_sid, ''), "
			       "direction, upstream_copy LIMIT 1"),
	   "a leap from class to class is one of the index, and sorts nothing");
	ledger_remove(&ledger);
	return tap_end();
}
