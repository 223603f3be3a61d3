/*
 * What the tests of both databases ask: of the one at `database`, which holds a table t with name and n.  Whoever includes it defines
 * PUT, which inserts a row of both.
 */
#pragma once

#include "db/db.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static const char *database;
static struct err err;

static struct db *opened(enum db_mode mode)
{
	struct db *db = NULL;

	if (!db_open(database, mode, &db, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return db;
}

/* The first column of the first row; -1: there is none. */
static int64_t number(struct db *db, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	if (!db_prepare(db, sql, &stmt, &err) || db_step(stmt, &err) != DB_ROW)
		return -1;
	return db_column_int(stmt, 0);
}

static bool put(struct db *db, struct str name, int64_t n)
{
	struct db_stmt *stmt;

	if (!db_prepare(db, PUT, &stmt, &err))
		return false;
	db_bind_str(stmt, 1, name);
	db_bind_int(stmt, 2, n);
	return db_run(stmt, &err);
}

/* In a transaction. */
__attribute__((unused)) static void test_rewind(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	int64_t before;

	OK(db_begin(db, &err) && put(db, STR("rewound"), 1) && put(db, STR("rewound too"), 2) &&
		   db_prepare(db, "SELECT n FROM t WHERE name LIKE $1 ORDER BY id", &list, &err),
	   "two rows");
	db_bind_str(list, 1, STR("rewound%"));
	OK(db_step(list, &err) == DB_ROW, "one of them");
	before = db_column_int(list, 0);
	db_rewind(list);
	OK(db_step(list, &err) == DB_ROW && db_column_int(list, 0) == before &&
		   db_step(list, &err) == DB_ROW && db_column_int(list, 0) == before + 1 &&
		   db_step(list, &err) == DB_DONE,
	   "what was begun is stepped through from its first row");
	db_rewind(list);
	OK(db_step(list, &err) == DB_ROW && db_column_int(list, 0) == before, "as from its end");
	db_stmt_reset(list);
	db_rollback(db);
}
