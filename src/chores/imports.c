#include "chores/imports.h"

#include "catalog/catalog_sql.h"
#include "chores/row_columns.h"

#define COLUMNS                                                                                  \
	"account_sid, since_ms, before_ms, asked_at_ms, completed_at_ms, reached_ms, next_url, " \
	"listed, found, malformed, too_old, failure"

/* In the order of COLUMNS. */
static const struct row_column columns[] = {
	TEXT_COLUMN(struct import, account_sid),       NUMBER_COLUMN(struct import, since_ms),
	NUMBER_COLUMN(struct import, before_ms),       NUMBER_COLUMN(struct import, asked_at_ms),
	NUMBER_COLUMN(struct import, completed_at_ms), NUMBER_COLUMN(struct import, reached_ms),
	TEXT_COLUMN(struct import, next_url),          NUMBER_COLUMN(struct import, listed),
	NUMBER_COLUMN(struct import, found),           NUMBER_COLUMN(struct import, malformed),
	NUMBER_COLUMN(struct import, too_old),         TEXT_COLUMN(struct import, failure),
};

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
		row_read(find, 0, columns, ARRAY_LEN(columns), out);
	return step != DB_FAILED;
}

bool imports_set(struct catalog *catalog, const struct import *row, struct err *err)
{
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
	row_bind(stmt, 1, columns, ARRAY_LEN(columns), row);
	return db_run(stmt, err);
}
