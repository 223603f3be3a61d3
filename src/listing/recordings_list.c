/*
 * Calls are walked by their index of time, and each is joined with its recordings: an index of the recordings
 * themselves would be written by each of them, for ever, for a list that few ask for.  A call without any is a row,
 * too, so that each step is bounded by the calls that it looks at.
 */
#include "listing/recordings_list.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "listing/listing_private.h"

#define STEP          200  /* calls, or rows, that one statement reads */
#define LOOKED_AT_MAX 5000 /* rows that a page looks at */

#define LONGEST_MS (24 * 60 * 60 * 1000LL) /* a call: so much later its recording may begin */

#define ROW "SELECT c.started_at_ms, c.id, COALESCE(r.id, 0), " RECORDING_COLUMNS " FROM ("
#define CALLS                                        \
	"SELECT c.id, c.started_at_ms FROM calls c " \
	"WHERE (c.started_at_ms, c.id) <= ($1, $2) AND c.started_at_ms >= $3 "
#define NEWEST "ORDER BY c.started_at_ms DESC, c.id DESC"
/* Of the call at the cursor, those behind the cursor. */
#define JOINED                                            \
	") c LEFT JOIN recordings r ON r.call_id = c.id " \
	"WHERE c.id <> $2 OR r.id < $4 " NEWEST ", r.id DESC LIMIT $5"

enum { OF_ALL, OF_CALL, OF_NONE };
const char *const recordings_list_sql[RECORDINGS_LIST_SQLS] = {
	[OF_ALL] = ROW CALLS NEWEST " LIMIT $5" JOINED,
	[OF_CALL] = ROW CALLS "AND c.call_sid = $6 " NEWEST " LIMIT $5" JOINED,
	[OF_NONE] = "SELECT 0, 0, r.id, " RECORDING_COLUMNS " FROM recordings r "
		    "WHERE r.call_id IS NULL AND r.id < $1 ORDER BY r.id DESC LIMIT $2",
};

#define PLACE_COLUMNS 3

struct list {
	const struct recording_filter *filter;
	struct recording_cursor at; /* the last row that was looked at */
	struct recording *out;
	size_t size, count, looked_at;
	int64_t now_ms;
	bool is_full; /* there is one more */
};

bool recording_is_over(const struct recording *recording, const struct retention_rules *retention,
		       int64_t now_ms)
{
	struct kept kept = recording_kept(recording);

	return recording->state == RECORDING_GONE || recording_is_removed(recording->state) ||
	       (retention && retention_expires_at_ms(retention, &kept) < now_ms);
}

static bool passes(const struct list *list, const struct recording *recording,
		   int64_t call_started_at_ms)
{
	const struct recording_filter *filter = list->filter;
	int64_t began_at_ms = recording->started_at_ms ? recording->started_at_ms
						       : call_started_at_ms;

	if (recording->account_sid[0] != '\0' &&
	    !str_eq(filter->account_sid, str_of(recording->account_sid)))
		return false;
	if ((filter->from_ms && began_at_ms < filter->from_ms) ||
	    (filter->to_ms && began_at_ms >= filter->to_ms))
		return false;
	return filter->with_removed ||
	       !recording_is_over(recording, filter->retention, list->now_ms);
}

static struct recording_cursor place_of(const struct db_stmt *row)
{
	return (struct recording_cursor){ .started_at_ms = db_column_int(row, 0),
					  .call_id = db_column_int(row, 1),
					  .id = db_column_int(row, 2) };
}

/* Takes rows until the page is full; *out_rows counts those that were looked at. */
static bool take_rows(struct list *list, struct db_stmt *rows, size_t *out_rows, struct err *err)
{
	struct recording recording;
	enum db_step step;

	*out_rows = 0;
	while ((step = db_step(rows, err)) == DB_ROW) {
		struct recording_cursor place = place_of(rows);

		++*out_rows;
		list->looked_at++;
		if (place.id != 0) {
			recording_read(rows, PLACE_COLUMNS, &recording);
			if (passes(list, &recording, place.started_at_ms)) {
				if (list->count == list->size) {
					list->is_full = true;
					return true;
				}
				list->out[list->count++] = recording;
			}
		}
		list->at = place;
	}
	return step != DB_FAILED;
}

static bool read_calls(struct catalog *catalog, struct list *list, size_t *out_rows,
		       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *rows = NULL;
	const struct recording_filter *filter = list->filter;

	if (!db_prepare(catalog_db(catalog),
			recordings_list_sql[filter->call_sid.at ? OF_CALL : OF_ALL], &rows, err))
		return false;
	db_bind_int(rows, 1, list->at.started_at_ms);
	db_bind_int(rows, 2, list->at.call_id);
	db_bind_int(rows, 3, filter->from_ms > LONGEST_MS ? filter->from_ms - LONGEST_MS : 0);
	db_bind_int(rows, 4, list->at.id);
	db_bind_int(rows, 5, STEP);
	if (filter->call_sid.at)
		db_bind_str(rows, 6, filter->call_sid);
	return take_rows(list, rows, out_rows, err);
}

static bool read_others(struct catalog *catalog, struct list *list, size_t *out_rows,
			struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *rows = NULL;

	if (!db_prepare(catalog_db(catalog), recordings_list_sql[OF_NONE], &rows, err))
		return false;
	db_bind_int(rows, 1, list->at.id);
	db_bind_int(rows, 2, STEP);
	return take_rows(list, rows, out_rows, err);
}

/* False in *out_more: that was all. */
static bool step(struct catalog *catalog, struct list *list, bool *out_more, struct err *err)
{
	bool of_calls = list->at.call_id != 0;
	size_t rows;

	*out_more = true;
	if (!(of_calls ? read_calls(catalog, list, &rows, err)
		       : read_others(catalog, list, &rows, err)))
		return false;
	if (rows > 0)
		return true;
	if (of_calls && !list->filter->call_sid.at)
		list->at = (struct recording_cursor){ .id = INT64_MAX };
	else
		*out_more = false;
	return true;
}

bool recordings_list(struct catalog *catalog, const struct recording_filter *filter,
		     const struct recording_cursor *after, struct recording *out, size_t size,
		     struct recording_page *out_page, struct err *err)
{
	struct list list = {
		.filter = filter, .at = *after, .out = out, .size = size, .now_ms = clock_wall_ms()
	};
	bool more = true;

	assert(size > 0 && size <= RECORDINGS_PAGE_MAX);
	if (list.at.id == 0 && list.at.call_id == 0)
		list.at = (struct recording_cursor){ .started_at_ms = filter->to_ms ? filter->to_ms
										    : INT64_MAX,
						     .call_id = INT64_MAX,
						     .id = INT64_MAX };
	while (more && !list.is_full && list.looked_at < LOOKED_AT_MAX)
		if (!step(catalog, &list, &more, err))
			return false;
	*out_page = (struct recording_page){ .count = list.count, .more = more, .next = list.at };
	return true;
}
