#include "chores/removals_due.h"

#include "catalog/catalog_sql.h"

bool removals_are_due(struct catalog *catalog, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT 1 FROM removals WHERE NOT EXISTS (SELECT 1 FROM attempts a "
			"WHERE a.recording_id = removals.recording_id AND a.ended_at_ms IS NULL) "
			"LIMIT 1",
			&find, err))
		return false;
	step = db_step(find, err);
	*out = step == DB_ROW;
	return step != DB_FAILED;
}
