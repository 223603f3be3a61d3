/* The texts of a table, and rows on their way: for the files of this room alone. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "tables/tables.h"

#define TABLE_COLUMNS_MAX 64
#define COLUMN_NAME_SIZE  48

enum column_kind { COLUMN_NUMBER, COLUMN_TEXT, COLUMN_BYTES };

struct column {
	char name[COLUMN_NAME_SIZE];
	enum column_kind kind;
};

enum table_text {
	TEXT_COUNT,
	TEXT_FIRST,   /* all columns, the first page: $1 rows */
	TEXT_BEHIND,  /* the same behind a key: $1.. the key, then how many rows */
	TEXT_SOME,    /* table_some() of them, by their keys */
	TEXT_WRITE,   /* all columns: $1.. */
	TEXT_REMOVE,  /* by its key */
	TEXT_CHANGED, /* the rows that were noted; $1: the name of the table */
	TEXT_GONE,    /* the keys of those noted that are no more; $1 likewise */
	TEXT_PARK, /* $1 the key, $2 its name: where it has another one, it has none that anybody wants */
	TEXT_ANALYZE,
	TEXT_NOTE, /* the triggers */
	TEXT_UNNOTE,
	TEXT_UNNOTE_OLDER, /* those of older callspools */
	TABLE_TEXTS,
};

struct table {
	const struct table_entry *entry;
	struct column columns[TABLE_COLUMNS_MAX];
	size_t count;
	size_t keys, key[TABLE_KEYS_MAX]; /* which of the columns */
	size_t name;                      /* the same, where there is a name_column */
	char *texts[TABLE_TEXTS];
};

struct tables {
	size_t count;
	struct table *at;
};

struct db_stmt;

#define TABLE_SOME_MAX 32
/* How many rows one question has room for. */
static inline size_t table_some(const struct table *table)
{
	return table->keys == 1 ? TABLE_SOME_MAX : TABLE_SOME_MAX * 2 / table->keys;
}

static inline const struct table *table_at(const struct tables *tables, size_t table)
{
	return &tables->at[table];
}

/* Texts that were replaced, until a statement has taken them. */
struct replaced {
	size_t count;
	char *at[TABLE_COLUMNS_MAX];
};
void replaced_release(struct replaced *replaced);
static inline void replaced_release_at(struct replaced *replaced)
{
	replaced_release(replaced);
}

/* Column `from` of a row as parameter n of another statement. */
void column_bind(const struct db_stmt *row, int from, enum column_kind kind, struct db_stmt *to,
		 int n, struct replaced *replaced);
/* The place's keys as parameters from $`first` on. */
void place_bind(const struct table *table, const struct table_place *place, struct db_stmt *stmt,
		int first);
/* Where that row is; the columns of its key stand from `first` on, in the order of the key, or where the table has them. */
bool place_take(const struct table *table, const struct db_stmt *row, bool is_whole,
		struct table_place *out, struct err *err) MUST_CHECK;
/* As the other database has it: text that it does not take was replaced. */
void place_replace(const struct table *table, struct table_place *place);
/* A row into a digest. */
void row_digest(const struct table *table, const struct db_stmt *row, struct sha256 *sha);
/* Writes a row of the one to the other; may be deferred. */
bool row_write(const struct table *table, const struct db_stmt *row, struct db *to,
	       struct err *err) MUST_CHECK;
