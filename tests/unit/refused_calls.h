/*
 * One call of the database after another is refused: whoever makes it has to say that it failed.  A program that includes this is
 * linked with what meson.build says of it.
 */
#pragma once

#include "base/own.h"
#include "db/db.h"
#include "db/db_driver.h"
#include "ledger_fixture.h"
#include "tap.h"

#define REFUSED_TEXT "this call is refused"

#define CALLERS_MAX 256

/* refused_call counts from 1; 0: none is refused.  Of one place in the program so many are counted. */
static int calls_made, refused_call, calls_of_attempt, counted_of_a_caller = 100000;
static struct {
	const void *at;
	int calls;
} callers[CALLERS_MAX];

static void refuse(int call)
{
	memset(callers, 0, sizeof(callers));
	calls_made = 0;
	refused_call = call;
}

static bool is_counted(const void *caller)
{
	size_t i = 0;

	while (i < CALLERS_MAX - 1 && callers[i].at && callers[i].at != caller)
		i++;
	callers[i].at = caller;
	return ++callers[i].calls <= counted_of_a_caller;
}

/* What ends a transaction that failed is not refused: nobody is told whether it was. */
static bool refuses(const void *caller, const char *sql, struct err *err)
{
	if (strcmp(sql, "ROLLBACK") == 0 || !is_counted(caller) || ++calls_made != refused_call)
		return false;
	err_set(err, ERR_UNAVAILABLE, REFUSED_TEXT);
	return true;
}

#define REFUSES(sql, err) refuses(__builtin_return_address(0), sql, err)

bool __real_db_exec(struct db *db, const char *sql, struct err *err);
bool __wrap_db_exec(struct db *db, const char *sql, struct err *err);
bool __wrap_db_exec(struct db *db, const char *sql, struct err *err)
{
	return !REFUSES(sql, err) && __real_db_exec(db, sql, err);
}

bool __real_db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err);
bool __wrap_db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err);
bool __wrap_db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err)
{
	return !REFUSES(sql, err) && __real_db_prepare(db, sql, out, err);
}

enum db_step __real_db_step(struct db_stmt *stmt, struct err *err);
enum db_step __wrap_db_step(struct db_stmt *stmt, struct err *err);
enum db_step __wrap_db_step(struct db_stmt *stmt, struct err *err)
{
	return REFUSES(stmt->sql, err) ? DB_FAILED : __real_db_step(stmt, err);
}

bool __real_db_ask(struct db_stmt *stmt, struct err *err);
bool __wrap_db_ask(struct db_stmt *stmt, struct err *err);
bool __wrap_db_ask(struct db_stmt *stmt, struct err *err)
{
	return !REFUSES(stmt->sql, err) && __real_db_ask(stmt, err);
}

bool __real_db_run(struct db_stmt *stmt, struct err *err);
bool __wrap_db_run(struct db_stmt *stmt, struct err *err);
bool __wrap_db_run(struct db_stmt *stmt, struct err *err)
{
	if (!REFUSES(stmt->sql, err))
		return __real_db_run(stmt, err);
	db_stmt_reset(stmt);
	return false;
}

bool __real_db_run_now(struct db_stmt *stmt, struct err *err);
bool __wrap_db_run_now(struct db_stmt *stmt, struct err *err);
bool __wrap_db_run_now(struct db_stmt *stmt, struct err *err)
{
	if (!REFUSES(stmt->sql, err))
		return __real_db_run_now(stmt, err);
	db_stmt_reset(stmt);
	return false;
}

/* In a transaction of its own, which is rolled back. */
__attribute__((unused)) static bool is_attempted(struct catalog *catalog, bool (*attempt)(void),
						 int refused)
{
	struct err err = { 0 };
	bool is_done;

	MUST(catalog_begin(catalog, &err));
	refuse(refused);
	is_done = attempt();
	calls_of_attempt = calls_made;
	refuse(0);
	catalog_rollback(catalog);
	return is_done;
}

/* `err` is where attempt() says why. */
__attribute__((unused)) static void test_each_refused(struct catalog *catalog,
						      bool (*attempt)(void), const struct err *err,
						      const char *name)
{
	int calls, told = 0;

	OK(is_attempted(catalog, attempt, 0), "%s: nothing is refused: %s", name, err->text);
	calls = calls_of_attempt;
	OK(calls > 0, "%s: the database is asked", name);
	for (int i = 1; i <= calls; i++) {
		bool is_done = is_attempted(catalog, attempt, i);

		if (calls_of_attempt < i) /* what is done now and then was done before */
			told++;
		else if (is_done || !str_ends(str_of(err->text), STR(REFUSED_TEXT)))
			printf("# %s, call %d of %d: %s\n", name, i, calls, err->text);
		else
			told++;
	}
	IS_INT(told, calls, "%s: whatever is refused, it says so", name);
}
