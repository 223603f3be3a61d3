/* What /health and status count. */
#include "catalog/catalog_private.h"

static bool read_one(struct catalog *catalog, const char *sql, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db, sql, &stmt, err))
		return false;
	step = db_step(stmt, err);
	if (step == DB_FAILED)
		return false;
	*out = step == DB_ROW ? db_column_int(stmt, 0) : 0;
	return true;
}

bool catalog_counts(struct catalog *catalog, struct catalog_counts *out, struct err *err)
{
	int64_t numbers[CATALOG_NUMBERS], last_event, oldest, set_aside;

	if (!numbers_read(catalog, numbers, err) ||
	    !read_one(catalog, "SELECT MAX(seq) FROM events", &last_event, err) ||
	    !read_one(catalog, "SELECT COUNT(*) FROM events_set_aside", &set_aside, err) ||
	    !read_one(catalog,
		      "SELECT queued_at_ms FROM recordings WHERE queued_at_ms IS NOT NULL "
		      "ORDER BY queued_at_ms LIMIT 1",
		      &oldest, err))
		return false;
	*out = (struct catalog_counts){ .calls = numbers[NUMBER_CALLS],
					.bytes_stored = numbers[NUMBER_BYTES_STORED],
					.oldest_queued_at_ms = oldest,
					.events_set_aside = set_aside };
	for (int i = 0; i < RECORDING_STATES; i++)
		out->recordings[i] = numbers[NUMBER_RECORDINGS + i];
	out->events_waiting =
		last_event > numbers[NUMBER_WATERMARK] ? last_event - numbers[NUMBER_WATERMARK] : 0;
	return true;
}
