#include "catalog/processes.h"

#include "base/clock.h"
#include "catalog/catalog_private.h"

/* All others have written what they will ever write: who takes the seat after this finds no row of his own. */
static bool take_over(struct catalog *catalog, int64_t *out_id, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *insert = NULL;
	struct db_stmt *end_others;

	if (!db_prepare(catalog->db, "DELETE FROM processes", &end_others, err) ||
	    !db_run(end_others, err) ||
	    !db_prepare(catalog->db,
			"INSERT INTO processes (version, started_at_ms, beat) VALUES ($1, $2, 0) "
			"RETURNING id",
			&insert, err))
		return false;
	db_bind_str(insert, 1, STR(CALLSPOOL_VERSION));
	db_bind_int(insert, 2, clock_wall_ms());
	if (db_step(insert, err) != DB_ROW)
		return false;
	*out_id = db_column_int(insert, 0);
	return true;
}

bool catalog_enlist(struct catalog *catalog, struct err *err)
{
	int64_t id = 0;

	if (catalog_is_local(catalog))
		return true;
	if (!db_begin(catalog->db, err))
		return false;
	if (!take_over(catalog, &id, err)) {
		db_rollback(catalog->db);
		return false;
	}
	if (!db_commit(catalog->db, err))
		return false;
	catalog->process_id = id;
	return true;
}

/* By an error, for then whatever else was sent behind it is not done either, and costs no round trip. */
bool process_fence(struct catalog *catalog, struct err *err)
{
	struct db_stmt *look;

	if (catalog->process_id == 0)
		return true;
	if (!db_prepare(catalog->db, "SELECT 1 / COUNT(*) FROM processes WHERE id = $1", &look,
			err))
		return false;
	db_bind_int(look, 1, catalog->process_id);
	return db_run(look, err);
}
