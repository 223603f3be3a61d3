#include "chores/recordings_age.h"

#include "catalog/catalog_sql.h"

/* The terms of the index, word for word: it is used only where a query has them. */
#define HAS_BYTES "stored_at_ms IS NOT NULL AND purged_at_ms IS NULL AND is_held = 0"
#define ACCOUNT   "COALESCE(account_sid, '')"
#define OF_RANGE  HAS_BYTES " AND " ACCOUNT " = $1 AND direction = $2 AND upstream_copy = $3"
#define BEGAN     " AND started_at_ms > 0 AND started_at_ms < $4"

/* $1 to $3 */
static void bind_range(struct db_stmt *stmt, const struct age_range *range)
{
	db_bind_str(stmt, 1, str_of(range->account_sid));
	db_bind_int(stmt, 2, range->way);
	db_bind_int(stmt, 3, range->copy);
}

bool ages_next_account(struct catalog *catalog, const char *after, char out[SID_SIZE],
		       bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " ACCOUNT " FROM recordings WHERE " HAS_BYTES " AND " ACCOUNT
			" > $1 ORDER BY " ACCOUNT " LIMIT 1",
			&find, err))
		return false;
	db_bind_str(find, 1, str_of(after));
	step = db_step(find, err);
	*out_found = step == DB_ROW;
	if (step == DB_ROW)
		text_set(out, SID_SIZE, db_column_str(find, 0));
	return step != DB_FAILED;
}

bool ages_list(struct catalog *catalog, const struct age_range *range, struct age_place after,
	       int64_t before_ms, struct age_row *out, size_t size, size_t *out_count,
	       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(
		    catalog_db(catalog),
		    "SELECT id, recording_sid, call_sid, account_sid, direction, started_at_ms, "
		    "is_held, size FROM recordings WHERE " OF_RANGE
		    " AND (started_at_ms, id) > ($5, $6) AND started_at_ms < $4 "
		    "ORDER BY started_at_ms, id LIMIT $7",
		    &list, err))
		return false;
	bind_range(list, range);
	db_bind_int(list, 4, before_ms);
	db_bind_int(list, 5, after.started_at_ms);
	db_bind_int(list, 6, after.id);
	db_bind_int(list, 7, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW) {
		struct age_row *row = &out[count++];

		row->id = db_column_int(list, 0);
		text_set(row->recording_sid, SID_SIZE, db_column_str(list, 1));
		text_set(row->call_sid, SID_SIZE, db_column_str(list, 2));
		kept_read(list, 3, &row->kept);
		row->size = (uint64_t)db_column_int(list, 7);
	}
	*out_count = count;
	return step != DB_FAILED;
}

bool ages_sum(struct catalog *catalog, const struct age_range *range, int64_t before_ms,
	      int64_t *count, uint64_t *bytes, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *sum = NULL;

	if (!db_prepare(
		    catalog_db(catalog),
		    "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM recordings WHERE " OF_RANGE BEGAN,
		    &sum, err))
		return false;
	bind_range(sum, range);
	db_bind_int(sum, 4, before_ms);
	if (db_step(sum, err) != DB_ROW)
		return false;
	*count += db_column_int(sum, 0);
	*bytes += (uint64_t)db_column_int(sum, 1);
	return true;
}

bool ages_oldest(struct catalog *catalog, const struct age_range *range, int64_t *out_ms,
		 struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT started_at_ms FROM recordings WHERE " OF_RANGE
			" AND started_at_ms > 0 ORDER BY started_at_ms, id LIMIT 1",
			&find, err))
		return false;
	bind_range(find, range);
	step = db_step(find, err);
	*out_ms = step == DB_ROW ? db_column_int(find, 0) : 0;
	return step != DB_FAILED;
}
