#include "accounts/sign_in_failures.h"

#include "db/db.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON INT64_C(1700000000000)

static struct err err;

static struct sign_in_failures failures_of(struct ledger *ledger, const char *key)
{
	struct sign_in_failures failures = { .count = -1 };

	MUST(sign_in_failures_find(ledger->writer, str_of(key), &failures, &err));
	return failures;
}

static void add(struct ledger *ledger, const char *key, int64_t at_ms)
{
	MUST(catalog_begin(ledger->writer, &err));
	MUST(sign_in_failures_add(ledger->writer, str_of(key), at_ms, &err));
	MUST(catalog_commit(ledger->writer, &err));
}

static void test_counting(struct ledger *ledger)
{
	IS_INT(failures_of(ledger, "a").count, 0, "none at first");
	add(ledger, "a", NOON + 1);
	add(ledger, "a", NOON + 3);
	add(ledger, "b", NOON + 5);
	IS_INT(failures_of(ledger, "a").count, 2, "they are counted");
	IS_INT(failures_of(ledger, "a").at_ms, NOON + 3, "with the instant of the last");
	IS_INT(failures_of(ledger, "b").count, 1, "each name on its own");
	MUST(catalog_begin(ledger->writer, &err));
	MUST(sign_in_failures_clear(ledger->writer, STR("a"), &err));
	MUST(sign_in_failures_clear(ledger->writer, STR("nobody"), &err));
	MUST(catalog_commit(ledger->writer, &err));
	IS_INT(failures_of(ledger, "a").count, 0, "a good one ends the count");
	IS_INT(failures_of(ledger, "b").count, 1, "of its name alone");
	ledger_reopen(ledger);
	IS_INT(failures_of(ledger, "b").count, 1, "a restart forgives nobody");
}

static int64_t rows_of(struct ledger *ledger)
{
	AUTO(db_free) struct db *db = NULL;
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	MUST(db_open(ledger->path, DB_READ, &db, &err) &&
	     db_prepare(db, "SELECT COUNT(*) FROM sign_in_failures", &count, &err));
	return db_step(count, &err) == DB_ROW ? db_column_int(count, 0) : -1;
}

static void test_bound(struct ledger *ledger)
{
	struct db *db;

	MUST(db_open(ledger->path, DB_WRITE, &db, &err));
	MUST(db_exec(db,
		     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
		     "100200) INSERT INTO sign_in_failures (name_hash, failures, at_ms) SELECT "
		     "'n' || i, 1, i FROM n",
		     &err));
	db_free(db);
	add(ledger, "newest", NOON - NOON % 256);
	IS_INT(rows_of(ledger), SIGN_IN_FAILURES_MAX, "no more names are kept");
	IS_INT(failures_of(ledger, "newest").count, 1, "the newest is");
	IS_INT(failures_of(ledger, "n100200").count, 1, "and the last ones");
	IS_INT(failures_of(ledger, "n1").count, 0, "the oldest went");
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_counting(&ledger);
	test_bound(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
