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
 * Each walks its index the one way or the other (enum call_side).  Cursor and date filter become the two
 * ends of the range: $1, $2 is the place where the page begins, $3 how far it may reach.  The parameters of
 * each text are numbered without a gap, and each derived table has a name: PostgreSQL wants both.
 */
#include "catalog/calls.h"

#include <assert.h>

#include "catalog/catalog_private.h"

#define ROW         "SELECT " CALL_COLUMNS ", " RECORDING_COLUMNS " FROM" CALLS_WITH_MAIN
#define OLDER_RANGE "(c.started_at_ms, c.id) < ($1, $2) AND c.started_at_ms >= $3"
#define NEWER_RANGE "(c.started_at_ms, c.id) > ($1, $2) AND c.started_at_ms < $3"
#define OLDER_ORDER " ORDER BY c.started_at_ms DESC, c.id DESC LIMIT $4"
#define NEWER_ORDER " ORDER BY c.started_at_ms, c.id LIMIT $4"
#define ARM(side, direction, name)                                  \
	"SELECT * FROM (SELECT c.id, c.started_at_ms FROM calls c " \
	"WHERE c.recording_group = $5 AND c.direction = " direction \
	" AND " side##_RANGE side##_ORDER ") " name
#define ARMS(side) \
	ARM(side, "0", "a0") " UNION ALL " ARM(side, "1", "a1") " UNION ALL " ARM(side, "2", "a2")
#define NEAREST_OLDER ARMS(OLDER) " ORDER BY 2 DESC, 1 DESC LIMIT $4"
#define NEAREST_NEWER ARMS(NEWER) " ORDER BY 2, 1 LIMIT $4"

struct list_sql {
	const char *all, *of_direction, *of_group, *of_both, *one;
};

#define LIST_SQL(side)                                                                         \
	{                                                                                      \
		.all = ROW " WHERE " side##_RANGE side##_ORDER,                                \
		.of_direction = ROW " WHERE c.direction = $5 AND " side##_RANGE side##_ORDER,  \
		.of_group = ROW " WHERE c.id IN (SELECT id FROM (" NEAREST_##side              \
			") m)" side##_ORDER,                                                   \
		.of_both = ROW                                                                 \
			" WHERE c.recording_group = $5 AND c.direction = $6 AND " side##_RANGE \
				side##_ORDER,                                                  \
		.one = ROW " WHERE c.call_sid = $4 AND " side##_RANGE,                         \
	}

static const struct list_sql list_sql[CALL_SIDES] = {
	[CALLS_OLDER] = LIST_SQL(OLDER),
	[CALLS_NEWER] = LIST_SQL(NEWER),
};

const char *calls_list_sql(enum call_side side, const struct call_filter *filter)
{
	const struct list_sql *sql = &list_sql[side];

	if (filter->call_sid.len)
		return sql->one;
	if (filter->has_group)
		return filter->direction ? sql->of_both : sql->of_group;
	return filter->direction ? sql->of_direction : sql->all;
}

static void bind_filter(struct db_stmt *list, const struct call_filter *filter,
			const struct call_walk *walk, size_t limit)
{
	int at = 5;

	db_bind_int(list, 1, walk->start.started_at_ms);
	db_bind_int(list, 2, walk->start.id);
	db_bind_int(list, 3, walk->end_ms);
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

static bool read_page(struct catalog *catalog, const struct call_filter *filter,
		      const struct call_walk *walk, struct call_row *out, size_t size,
		      struct call_page *out_page, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct call_page page = { 0 };
	enum db_step step;

	if (!db_prepare(catalog->db, calls_list_sql(walk->side, filter), &list, err))
		return false;
	bind_filter(list, filter, walk, size + 1);
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

static bool walk_page(struct catalog *catalog, const struct call_filter *filter,
		      const struct call_walk *walk, struct call_row *out, size_t size,
		      struct call_page *out_page, struct err *err)
{
	assert(size > 0 && size <= CALLS_PAGE_MAX);
	return filter->number.len && !filter->call_sid.len
		       ? calls_search(catalog, filter, walk, out, size, out_page, err)
		       : read_page(catalog, filter, walk, out, size, out_page, err);
}

bool calls_list(struct catalog *catalog, const struct call_filter *filter,
		const struct call_cursor *after, struct call_row *out, size_t size,
		struct call_page *out_page, struct err *err)
{
	struct call_walk walk = call_walk_of(CALLS_OLDER, filter, after);

	return walk_page(catalog, filter, &walk, out, size, out_page, err);
}

bool calls_list_newer(struct catalog *catalog, const struct call_filter *filter,
		      const struct call_cursor *before, struct call_row *out, size_t size,
		      struct call_page *out_page, struct err *err)
{
	struct call_walk walk = call_walk_of(CALLS_NEWER, filter, before);

	if (!walk_page(catalog, filter, &walk, out, size, out_page, err))
		return false;
	call_rows_reverse(out, out_page->count);
	return true;
}
