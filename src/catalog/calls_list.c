/*
 * Pages of the calls list.
 *
 * Each combination of filters has a statement of its own, a literal, that walks one
 * index backwards from the cursor and stops at the limit:
 *
 *	                 calls_by_time       (started_at_ms, id)
 *	direction        calls_by_direction  (direction, started_at_ms, id)
 *	group            calls_by_group      (recording_group, direction, started_at_ms, id)
 *	group, direction the same
 *
 * A group in all directions is three ranges of the last one, each cut at the limit and
 * then merged: at most three pages of keys are sorted, however many calls there are, and
 * only the page that is left of them is read from the table, where each row may be far from
 * the next.
 * (A fourth index was rejected: every call would write it for ever, to spare a page
 * two more descents of a tree.)
 *
 * Cursor and date filter become the two ends of the range: $1, $2 is the place before
 * which the page begins, $3 the oldest instant that it may reach.  The parameters of each
 * text are numbered without a gap, and each derived table has a name: PostgreSQL wants both.
 */
#include "catalog/calls.h"

#include <assert.h>

#include "catalog/catalog_private.h"

#define ROW   "SELECT " CALL_COLUMNS ", " RECORDING_COLUMNS " FROM" CALLS_WITH_MAIN
#define RANGE "(c.started_at_ms, c.id) < ($1, $2) AND c.started_at_ms >= $3"
#define ORDER " ORDER BY c.started_at_ms DESC, c.id DESC LIMIT $4"
#define ARM(direction, name)                                        \
	"SELECT * FROM (SELECT c.id, c.started_at_ms FROM calls c " \
	"WHERE c.recording_group = $5 AND c.direction = " direction " AND " RANGE ORDER ") " name
#define OR_ARM(direction, name) " UNION ALL " ARM(direction, name)
#define NEWEST \
	ARM("0", "a0") OR_ARM("1", "a1") OR_ARM("2", "a2") " ORDER BY 2 DESC, 1 DESC LIMIT $4"

static const char LIST_ALL[] = ROW " WHERE " RANGE ORDER;
static const char LIST_DIRECTION[] = ROW " WHERE c.direction = $5 AND " RANGE ORDER;
static const char LIST_GROUP[] = ROW " WHERE c.id IN (SELECT id FROM (" NEWEST ") m)" ORDER;
static const char LIST_GROUP_DIRECTION[] = ROW
	" WHERE c.recording_group = $5 AND c.direction = $6 AND " RANGE ORDER;
static const char FIND_ONE[] = ROW " WHERE c.call_sid = $4 AND " RANGE;

const char *calls_list_sql(const struct call_filter *filter)
{
	if (filter->call_sid.len)
		return FIND_ONE;
	if (filter->has_group)
		return filter->direction ? LIST_GROUP_DIRECTION : LIST_GROUP;
	return filter->direction ? LIST_DIRECTION : LIST_ALL;
}

static void bind_filter(struct db_stmt *list, const struct call_filter *filter,
			const struct call_cursor *after, size_t limit)
{
	struct call_cursor start = calls_list_start(filter, after);
	int at = 5;

	db_bind_int(list, 1, start.started_at_ms);
	db_bind_int(list, 2, start.id);
	db_bind_int(list, 3, filter->from_ms);
	if (filter->call_sid.len) {
		db_bind_str(list, 4, filter->call_sid);
		return;
	}
	db_bind_int(list, 4, (int64_t)limit);
	if (filter->has_group)
		db_bind_int(list, at++, filter->group);
	if (filter->direction)
		db_bind_int(list, at, filter->direction);
}

bool calls_list(struct catalog *catalog, const struct call_filter *filter,
		const struct call_cursor *after, struct call_row *out, size_t size,
		struct call_page *out_page, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct call_page page = { 0 };
	enum db_step step;

	assert(size > 0 && size <= CALLS_PAGE_MAX);
	if (filter->number.len && !filter->call_sid.len)
		return calls_search(catalog, filter, after, out, size, out_page, err);
	if (!db_prepare(catalog->db, calls_list_sql(filter), &list, err))
		return false;
	bind_filter(list, filter, after, size + 1);
	while ((step = db_step(list, err)) == DB_ROW) {
		if (page.count == size) {
			page.more = true;
			break;
		}
		call_row_read(list, &out[page.count]);
		if (filter->call_sid.len && !call_filter_passes(filter, &out[page.count].call))
			continue;
		page.next.started_at_ms = out[page.count].call.started_at_ms;
		page.next.id = out[page.count++].call.id;
	}
	if (step == DB_FAILED)
		return false;
	*out_page = page;
	return true;
}
