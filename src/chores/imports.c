#include "chores/imports.h"

#include "catalog/catalog_sql.h"

#define COLUMNS                                                                                  \
	"account_sid, since_ms, before_ms, asked_at_ms, completed_at_ms, reached_ms, next_url, " \
	"listed, found, malformed, too_old, failure"

static void row_read(const struct db_stmt *row, struct import *out)
{
	text_set(out->account_sid, SID_SIZE, db_column_str(row, 0));
	out->since_ms = db_column_int(row, 1);
	out->before_ms = db_column_int(row, 2);
	out->asked_at_ms = db_column_int(row, 3);
	out->completed_at_ms = db_column_int(row, 4);
	out->reached_ms = db_column_int(row, 5);
	text_set(out->next_url, sizeof(out->next_url), db_column_str(row, 6));
	out->listed = db_column_int(row, 7);
	out->found = db_column_int(row, 8);
	out->malformed = db_column_int(row, 9);
	out->too_old = db_column_int(row, 10);
	text_set(out->failure, sizeof(out->failure), db_column_str(row, 11));
}

bool imports_find(struct catalog *catalog, struct str account_sid, struct import *out,
		  struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	*out = (struct import){ .since_ms = 0 };
	text_set(out->account_sid, SID_SIZE, account_sid);
	if (!db_prepare(catalog_db(catalog),
			"SELECT " COLUMNS " FROM imports WHERE account_sid = $1", &find, err))
		return false;
	db_bind_str(find, 1, account_sid);
	step = db_step(find, err);
	if (step == DB_ROW)
		row_read(find, out);
	return step != DB_FAILED;
}

bool imports_set(struct catalog *catalog, const struct import *row, struct err *err)
{
	const int64_t numbers[] = { row->since_ms, row->before_ms, row->asked_at_ms,
				    row->completed_at_ms, row->reached_ms };
	const int64_t counts[] = { row->listed, row->found, row->malformed, row->too_old };
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO imports (" COLUMNS ") "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
			"ON CONFLICT (account_sid) DO UPDATE SET since_ms = $2, before_ms = $3, "
			"asked_at_ms = $4, completed_at_ms = $5, reached_ms = $6, next_url = $7, "
			"listed = $8, found = $9, malformed = $10, too_old = $11, failure = $12",
			&stmt, err))
		return false;
	db_bind_str(stmt, 1, str_of(row->account_sid));
	for (int i = 0; i < (int)ARRAY_LEN(numbers); i++)
		db_bind_int(stmt, 2 + i, numbers[i]);
	db_bind_str(stmt, 7, str_of(row->next_url));
	for (int i = 0; i < (int)ARRAY_LEN(counts); i++)
		db_bind_int(stmt, 8 + i, counts[i]);
	db_bind_str(stmt, 12, str_of(row->failure));
	return db_run(stmt, err);
}
