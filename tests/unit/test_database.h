/*
 * Where a test's ledger lies: in a file, or, where CALLSPOOL_TEST_DATABASE names a PostgreSQL (tests/tools/postgres), in a
 * schema of its own there.  Whatever fails here ends the test.
 */
#pragma once

#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEST_DATABASE_SIZE 256

__attribute__((unused)) static bool on_postgres(void)
{
	return getenv("CALLSPOOL_TEST_DATABASE") != NULL;
}

/* The last of a folder's name is made for this test alone, and so is the schema of that name. */
static void in_test_database(const char *before, const char *own, const char *behind)
{
	AUTO(db_free) struct db *db = NULL;
	struct err err = { 0 };
	char sql[128];

	snprintf(sql, sizeof(sql), "%s \"t%s\" %s", before, strrchr(own, '.') + 1, behind);
	if (!db_open(getenv("CALLSPOOL_TEST_DATABASE"), DB_WRITE, &db, &err) ||
	    !db_exec(db, sql, &err)) {
		printf("Bail out! %s: %s\n", sql, err.text);
		exit(1);
	}
}

/* *out is what catalog_open() takes; nothing is there yet. */
__attribute__((unused)) static void test_database_make(const char *own, char *out)
{
	if (!on_postgres()) {
		snprintf(out, TEST_DATABASE_SIZE, "%s/ledger.db", own);
		return;
	}
	in_test_database("CREATE SCHEMA", own, "");
	snprintf(out, TEST_DATABASE_SIZE, "%s&options=-csearch_path%%3D%%22t%s%%22",
		 getenv("CALLSPOOL_TEST_DATABASE"), strrchr(own, '.') + 1);
}

__attribute__((unused)) static void test_database_remove(const char *own, const char *address)
{
	static const char *const names[] = { "", "-wal", "-shm" };

	if (on_postgres()) {
		in_test_database("DROP SCHEMA", own, "CASCADE");
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[TEST_DATABASE_SIZE + 8];

		snprintf(path, sizeof(path), "%s%s", address, names[i]);
		unlink(path);
	}
}
