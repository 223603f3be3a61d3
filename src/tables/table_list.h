/*
 * The tables of a ledger that are taken along when it moves to another database, and those that are not.
 *
 * Their columns are read from the ledger that is moved (tables.h): a new column needs nothing here, a new table a line in one of
 * the two lists, or a test fails.
 */
#pragma once

#include <stddef.h>

#define TABLE_KEYS_MAX 3

struct table_entry {
	const char *name;
	const char *key[TABLE_KEYS_MAX]; /* in a file; NULL behind the last */
	/*
	 * A text that no two rows have, besides the key, which may change hands; NULL: there is none.  Of those tables the key is one number.
	 */
	const char *name_column;
	/* A part of the table where there is more of it on a server: a condition, and its columns, which stand before the key there. */
	const char *part, *part_columns;
};

/* In the order of their references: what a row names is in a table before, or in its own. */
extern const struct table_entry tables_moved[];
extern const size_t tables_moved_count;

struct table_left {
	const char *name, *why;
};
extern const struct table_left tables_left[];
extern const size_t tables_left_count;
