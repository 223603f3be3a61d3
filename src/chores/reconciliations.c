#include "chores/reconciliations.h"

#include "catalog/catalog_sql.h"

#define COLUMNS                                                                                \
	"account_sid, since_ms, edge_ms, started_at_ms, completed_at_ms, deep_at_ms, listed, " \
	"found, failing_since_ms, failure"

static void row_read(const struct db_stmt *row, struct reconciliation *out)
{
	text_set(out->account_sid, SID_SIZE, db_column_str(row, 0));
	out->since_ms = db_column_int(row, 1);
	out->edge_ms = db_column_int(row, 2);
	out->started_at_ms = db_column_int(row, 3);
	out->completed_at_ms = db_column_int(row, 4);
	out->deep_at_ms = db_column_int(row, 5);
	out->listed = db_column_int(row, 6);
	out->found = db_column_int(row, 7);
	out->failing_since_ms = db_column_int(row, 8);
	text_set(out->failure, sizeof(out->failure), db_column_str(row, 9));
}

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
		row_read(find, out);
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
		row_read(list, &out[(*out_count)++]);
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
	db_bind_str(stmt, 1, str_of(row->account_sid));
	db_bind_int(stmt, 2, row->since_ms);
	db_bind_int(stmt, 3, row->edge_ms);
	db_bind_int(stmt, 4, row->started_at_ms);
	db_bind_int(stmt, 5, row->completed_at_ms);
	db_bind_int(stmt, 6, row->deep_at_ms);
	db_bind_int(stmt, 7, row->listed);
	db_bind_int(stmt, 8, row->found);
	db_bind_int(stmt, 9, row->failing_since_ms);
	db_bind_str(stmt, 10, str_of(row->failure));
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
