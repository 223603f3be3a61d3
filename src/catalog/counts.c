/*
 * Counters kept with every change.
 *
 * Counting ten million rows takes seconds, so /health would time out where it
 * matters most.  A partial index a state was rejected: it still has to be walked to
 * be counted.  The table has a row a counter; it is changed in the same transaction
 * as what it counts, so it cannot drift from it.
 */
#include "catalog/catalog_private.h"

bool number_read(struct catalog *catalog, enum catalog_number number, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db, "SELECT value FROM ledger_numbers WHERE number = $1", &find,
			err))
		return false;
	db_bind_int(find, 1, number);
	switch (db_step(find, err)) {
	case DB_ROW:
		*out = db_column_int(find, 0) + catalog->added[number];
		return true;
	case DB_DONE:
		*out = catalog->added[number];
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

bool numbers_flush(struct catalog *catalog, struct err *err)
{
	struct db_stmt *add;

	if (!db_prepare(catalog->db,
			"INSERT INTO ledger_numbers (number, value) VALUES ($1, $2) "
			"ON CONFLICT (number) DO UPDATE SET value = ledger_numbers.value + $2",
			&add, err))
		return false;
	for (int i = 0; i < CATALOG_NUMBERS; i++) {
		if (!catalog->added[i])
			continue;
		db_bind_int(add, 1, i);
		db_bind_int(add, 2, catalog->added[i]);
		if (!db_run(add, err))
			return false;
		catalog->added[i] = 0;
	}
	return true;
}

static bool read_numbers(struct catalog *catalog, int64_t numbers[CATALOG_NUMBERS], struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *all = NULL;
	enum db_step step;

	memcpy(numbers, catalog->added, sizeof(catalog->added));
	if (!db_prepare(catalog->db, "SELECT number, value FROM ledger_numbers", &all, err))
		return false;
	while ((step = db_step(all, err)) == DB_ROW) {
		int64_t number = db_column_int(all, 0);

		if (number >= 0 && number < CATALOG_NUMBERS)
			numbers[number] += db_column_int(all, 1);
	}
	return step == DB_DONE;
}

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

	if (!read_numbers(catalog, numbers, err) ||
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
