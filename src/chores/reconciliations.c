#include "chores/reconciliations.h"

#include "catalog/catalog_sql.h"
#include "chores/row_columns.h"

#define COLUMNS                                                                                \
	"account_sid, since_ms, edge_ms, started_at_ms, completed_at_ms, deep_at_ms, listed, " \
	"found, failing_since_ms, failure"

/* In the order of COLUMNS. */
static const struct row_column columns[] = {
	TEXT_COLUMN(struct reconciliation, account_sid),
	NUMBER_COLUMN(struct reconciliation, since_ms),
	NUMBER_COLUMN(struct reconciliation, edge_ms),
	NUMBER_COLUMN(struct reconciliation, started_at_ms),
	NUMBER_COLUMN(struct reconciliation, completed_at_ms),
	NUMBER_COLUMN(struct reconciliation, deep_at_ms),
	NUMBER_COLUMN(struct reconciliation, listed),
	NUMBER_COLUMN(struct reconciliation, found),
	NUMBER_COLUMN(struct reconciliation, failing_since_ms),
	TEXT_COLUMN(struct reconciliation, failure),
};

bool reconciliations_find(struct catalog *catalog, struct str account_sid,
			  struct reconciliation *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	*out = (struct reconciliation){ .since_ms = 0 };
	if (!db_prepare(catalog_db(catalog),
			"SELECT " COLUMNS " FROM reconciliations WHERE account_sid = $1", &find,
			err))
		return false;
	db_bind_str(find, 1, account_sid);
	step = db_step(find, err);
	if (step == DB_ROW)
		row_read(find, 0, columns, ARRAY_LEN(columns), out);
	else
		text_set(out->account_sid, SID_SIZE, account_sid);
	return step != DB_FAILED;
}

bool reconciliations_list(struct catalog *catalog, struct reconciliation *out, size_t size,
			  size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;

	*out_count = 0;
	if (!db_prepare(catalog_db(catalog),
			"SELECT " COLUMNS " FROM reconciliations ORDER BY account_sid LIMIT $1",
			&list, err))
		return false;
	db_bind_int(list, 1, (int64_t)size);
	while (*out_count < size && (step = db_step(list, err)) == DB_ROW)
		row_read(list, 0, columns, ARRAY_LEN(columns), &out[(*out_count)++]);
	return step != DB_FAILED;
}

bool reconciliations_set(struct catalog *catalog, const struct reconciliation *row, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO reconciliations (" COLUMNS ") "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
			"ON CONFLICT (account_sid) DO UPDATE SET since_ms = $2, edge_ms = $3, "
			"started_at_ms = $4, completed_at_ms = $5, deep_at_ms = $6, listed = $7, "
			"found = $8, failing_since_ms = $9, failure = $10",
			&stmt, err))
		return false;
	row_bind(stmt, 1, columns, ARRAY_LEN(columns), row);
	return db_run(stmt, err);
}

bool reconciliations_failed(struct catalog *catalog, struct str account_sid, int64_t at_ms,
			    struct str why, struct err *err)
{
	struct reconciliation row;

	if (!reconciliations_find(catalog, account_sid, &row, err))
		return false;
	if (row.failing_since_ms == 0)
		row.failing_since_ms = at_ms;
	text_set(row.failure, sizeof(row.failure), why);
	return reconciliations_set(catalog, &row, err);
}
