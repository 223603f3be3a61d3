#include "chores/recordings_stored.h"

#include "catalog/catalog_sql.h"

static void stored_read(const struct db_stmt *row, struct recording_stored *out)
{
	out->id = db_column_int(row, 0);
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 1));
	out->size = (uint64_t)db_column_int(row, 2);
	text_set(out->sha256, sizeof(out->sha256), db_column_str(row, 3));
	text_set(out->path, sizeof(out->path), db_column_str(row, 4));
	text_set(out->call_sid, SID_SIZE, db_column_str(row, 5));
	out->generation = db_column_int(row, 6);
	out->is_given_up = db_column_int(row, 7) != RECORDING_STORED;
}

#define LIST                                                                              \
	"SELECT id, recording_sid, size, sha256, path, call_sid, generation, state FROM " \
	"recordings WHERE id > $1 AND "

static bool list(struct catalog *catalog, const char *sql, int64_t after_id,
		 struct recording_stored *out, size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *rows = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(catalog_db(catalog), sql, &rows, err))
		return false;
	db_bind_int(rows, 1, after_id);
	db_bind_int(rows, 2, RECORDING_STORED);
	db_bind_int(rows, 3, (int64_t)size);
	while (count < size && (step = db_step(rows, err)) == DB_ROW)
		stored_read(rows, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool recordings_list_stored(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			    size_t size, size_t *out_count, struct err *err)
{
	return list(catalog, LIST "state = $2 ORDER BY id LIMIT $3", after_id, out, size, out_count,
		    err);
}

bool recordings_list_kept(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			  size_t size, size_t *out_count, struct err *err)
{
	return list(catalog,
		    LIST
		    "(state = $2 OR (state IN (0, 1, 2, 4, 5, 6) AND stored_at_ms IS NOT NULL AND "
		    "purged_at_ms IS NULL)) ORDER BY id LIMIT $3",
		    after_id, out, size, out_count, err);
}

bool recordings_list_named(struct catalog *catalog, int64_t after_id, struct recording_stored *out,
			   size_t size, size_t *out_count, struct err *err)
{
	/* What was removed names nothing any more; what is being fetched may have a file again soon. */
	return list(catalog,
		    LIST "(state = $2 OR (state IN (4, 5, 6) AND stored_at_ms IS NOT NULL AND "
			 "purged_at_ms IS NULL)) ORDER BY id LIMIT $3",
		    after_id, out, size, out_count, err);
}
