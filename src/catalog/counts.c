/* What /health and status count. */
#include "catalog/catalog_private.h"
#include "catalog/events.h"

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

static bool add_waiting(struct catalog *catalog, int64_t stream, int64_t watermark,
			int64_t *waiting, struct err *err)
{
	int64_t last;

	if (!events_last_of(catalog, stream, &last, err))
		return false;
	*waiting += last > watermark ? last - watermark : 0;
	return true;
}

/* The streams are those of the turn that the numbers were read from. */
static bool count_waiting(struct catalog *catalog, int64_t watermark, int64_t *out, struct err *err)
{
	*out = 0;
	if (!add_waiting(catalog, 0, watermark, out, err))
		return false;
	for (size_t i = 0; i < catalog->stream_count; i++)
		if (!add_waiting(catalog, catalog->streams[i].stream, catalog->streams[i].watermark,
				 out, err))
			return false;
	return true;
}

bool catalog_counts(struct catalog *catalog, struct catalog_counts *out, struct err *err)
{
	int64_t numbers[CATALOG_NUMBERS], waiting, oldest, set_aside;

	if (!numbers_read(catalog, numbers, err) ||
	    !count_waiting(catalog, numbers[NUMBER_WATERMARK], &waiting, err) ||
	    !read_one(catalog, "SELECT COUNT(*) FROM events_set_aside", &set_aside, err) ||
	    !read_one(catalog,
		      "SELECT queued_at_ms FROM recordings WHERE queued_at_ms IS NOT NULL "
		      "ORDER BY queued_at_ms LIMIT 1",
		      &oldest, err))
		return false;
	*out = (struct catalog_counts){ .calls = numbers[NUMBER_CALLS],
					.bytes_stored = numbers[NUMBER_BYTES_STORED],
					.oldest_queued_at_ms = oldest,
					.events_set_aside = set_aside,
					.events_waiting = waiting };
	for (int i = 0; i < RECORDING_STATES; i++)
		out->recordings[i] = numbers[NUMBER_RECORDINGS + i];
	return true;
}

void catalog_count_call(struct catalog *catalog)
{
	number_add(catalog, NUMBER_CALLS, 1);
}
