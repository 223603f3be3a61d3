#include "catalog/rechecks.h"

#include "catalog/catalog_private.h"

bool rechecks_next(struct catalog *catalog, struct recheck_planned *out, bool *out_found,
		   struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db,
			"SELECT " RECORDING_COLUMNS ", r.recheck_at_ms FROM recordings r "
			"WHERE r.recheck_at_ms > 0 ORDER BY r.recheck_at_ms, r.id LIMIT 1",
			&find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out_found = step == DB_ROW;
	if (step == DB_ROW) {
		recording_read(find, 0, &out->recording);
		out->at_ms = db_column_int(find, RECORDING_COLUMN_COUNT);
	}
	return true;
}

/* Nobody is shown it: the row counts as unchanged. */
bool rechecks_set(struct catalog *catalog, struct str recording_sid, int64_t at_ms, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET recheck_at_ms = $2 WHERE recording_sid = $1",
			&update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_int(update, 2, at_ms);
	return db_run(update, err);
}
