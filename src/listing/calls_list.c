/*
 * Pages of the calls list.
 *
 * Each combination of filters has a statement of its own, a literal, that walks one
 * index backwards from the cursor and stops at the limit:
 *
 *	                 calls_by_time       (started_at_ms, id)
 *	direction        calls_by_direction  (direction, started_at_ms, id)
 *	state            calls_by_group      (recording_group, direction, started_at_ms, id)
 *	state, direction the same
 *
 * A state is two or more values of recording_group (what is held is a value of its own), and all directions are three: so it
 * is two ranges of that index at least, and fifteen at most (held, in all directions), each cut at the limit and
 * then merged: so many pages of keys at most are sorted, however many calls there are, and
 * only the page that is left of them is read from the table, where each row may be far from
 * the next.
 * (A fourth index was rejected: every call would write it for ever, to spare a page
 * some more descents of a tree.)
 *
 * Whether a recording has expired depends on the time: calls_expired.c walks the ranges in which that can be, and each row is looked
 * at.
 *
 * Each walks its index the one way or the other (enum call_side).  Cursor and date filter become the two
 * ends of the range: $1, $2 is the place where the page begins, $3 how far it may reach.  The parameters of
 * each text are numbered without a gap, and each derived table has a name: PostgreSQL wants both.
 */
#include "listing/calls_list.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "listing/listing_private.h"

#define ROW         "SELECT " CALL_COLUMNS ", " RECORDING_COLUMNS " FROM" CALLS_WITH_MAIN
#define OLDER_RANGE "(c.started_at_ms, c.id) < ($1, $2) AND c.started_at_ms >= $3"
#define NEWER_RANGE "(c.started_at_ms, c.id) > ($1, $2) AND c.started_at_ms < $3"
#define OLDER_ORDER " ORDER BY c.started_at_ms DESC, c.id DESC LIMIT $4"
#define NEWER_ORDER " ORDER BY c.started_at_ms, c.id LIMIT $4"
#define ARM(side, code, direction, name)                                  \
	"SELECT * FROM (SELECT c.id, c.started_at_ms FROM calls c "       \
	"WHERE c.recording_group = " code " AND c.direction = " direction \
	" AND " side##_RANGE side##_ORDER ") " name
#define OR " UNION ALL "

/* Of one value of recording_group: in all directions, or in that of the parameter behind 2, 3, 5 values. */
#define IN_ALL(side, code, name)       \
	ARM(side, code, "0", name "0") \
	OR ARM(side, code, "1", name "1") OR ARM(side, code, "2", name "2")
#define IN_ONE_2(side, code, name) ARM(side, code, "$7", name)
#define IN_ONE_3(side, code, name) ARM(side, code, "$8", name)
#define IN_ONE_5(side, code, name) ARM(side, code, "$10", name)

#define OF_2(side, arms) arms(side, "$5", "a") OR arms(side, "$6", "b")
#define OF_3(side, arms) OF_2(side, arms) OR arms(side, "$7", "d")
#define OF_5(side, arms) OF_3(side, arms) OR arms(side, "$8", "e") OR arms(side, "$9", "f")

#define NEAREST_OLDER " ORDER BY 2 DESC, 1 DESC LIMIT $4"
#define NEAREST_NEWER " ORDER BY 2, 1 LIMIT $4"
#define MERGED(side, ranges) \
	ROW " WHERE c.id IN (SELECT id FROM (" ranges NEAREST_##side ") m)" side##_ORDER

struct list_sql {
	const char *all, *of_direction, *one;
	const char *of_codes[CALL_CODES_MAX + 1][2]; /* by how many, and whether of one direction */
};

#define LIST_SQL(side)                                                                        \
	{                                                                                     \
		.all = ROW " WHERE " side##_RANGE side##_ORDER,                               \
		.of_direction = ROW " WHERE c.direction = $5 AND " side##_RANGE side##_ORDER, \
		.one = ROW " WHERE c.call_sid = $4 AND " side##_RANGE,                        \
		.of_codes = {                                                                 \
			[2] = { MERGED(side, OF_2(side, IN_ALL)),                             \
				MERGED(side, OF_2(side, IN_ONE_2)) },                         \
			[3] = { MERGED(side, OF_3(side, IN_ALL)),                             \
				MERGED(side, OF_3(side, IN_ONE_3)) },                         \
			[5] = { MERGED(side, OF_5(side, IN_ALL)),                             \
				MERGED(side, OF_5(side, IN_ONE_5)) },                         \
		},                                                                            \
	}

static const struct list_sql list_sql[CALL_SIDES] = {
	[CALLS_OLDER] = LIST_SQL(OLDER),
	[CALLS_NEWER] = LIST_SQL(NEWER),
};

static const char *sql_of(enum call_side side, const struct call_filter *filter, bool has_direction)
{
	const struct list_sql *sql = &list_sql[side];
	int codes[CALL_CODES_MAX];
	size_t count = call_filter_codes(filter, codes);

	if (filter->call_sid.len)
		return sql->one;
	if (count > 0)
		return sql->of_codes[count][has_direction];
	return has_direction ? sql->of_direction : sql->all;
}

const char *calls_list_sql(enum call_side side, const struct call_filter *filter)
{
	return sql_of(side, filter, filter->direction != CALL_DIRECTION_UNKNOWN);
}

static void bind_filter(struct db_stmt *list, const struct call_filter *filter,
			const struct call_walk *walk, size_t limit)
{
	int codes[CALL_CODES_MAX], at = 5;
	size_t count = call_filter_codes(filter, codes);

	db_bind_int(list, 1, walk->start.started_at_ms);
	db_bind_int(list, 2, walk->start.id);
	db_bind_int(list, 3, walk->end_ms);
	if (filter->call_sid.len) {
		db_bind_str(list, 4, filter->call_sid);
		return;
	}
	db_bind_int(list, 4, (int64_t)limit);
	for (size_t i = 0; i < count; i++)
		db_bind_int(list, at++, codes[i]);
	if (walk->has_direction)
		db_bind_int(list, at, walk->direction);
}

bool calls_read_page(struct catalog *catalog, const struct call_filter *filter,
		     const struct call_walk *walk, struct call_row *out, size_t size,
		     struct call_page *out_page, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct call_page page = { 0 };
	size_t looked_at = 0;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), sql_of(walk->side, filter, walk->has_direction), &list,
			err))
		return false;
	bind_filter(list, filter, walk, size + 1);
	while ((step = db_step(list, err)) == DB_ROW) {
		struct call_row *row = &out[page.count];

		if (looked_at++ == size) {
			page.more = true;
			break;
		}
		call_row_read(list, row);
		page.next = (struct call_cursor){ row->call.started_at_ms, row->call.id };
		page.count += call_filter_passes(filter, &row->call);
	}
	if (step == DB_FAILED)
		return false;
	*out_page = page;
	return true;
}

/* Copies those rows that pass, as many as fit; the page goes on behind the last that was looked at. */
static void take_rows(const struct call_filter *filter, const struct call_row *rows, size_t count,
		      struct call_row *out, size_t size, struct call_page *page)
{
	for (size_t i = 0; i < count; i++) {
		if (call_filter_passes(filter, &rows[i].call)) {
			if (page->count == size) {
				page->more = true;
				return;
			}
			out[page->count++] = rows[i];
		}
		page->next = (struct call_cursor){ rows[i].call.started_at_ms, rows[i].call.id };
	}
}

bool calls_walk_list(struct catalog *catalog, const struct call_filter *filter,
		     const struct call_walk *walk, size_t most, struct call_row *out, size_t size,
		     struct call_page *out_page, struct err *err)
{
	AUTO(free) struct call_row *rows = xcalloc(CALLS_PAGE_MAX, sizeof(*rows));
	struct call_filter all = *filter;
	struct call_walk on = *walk;
	struct call_page page = { 0 }, read = { .more = true };
	size_t step = size;

	all.number = STR_NONE;
	for (size_t looked_at = 0; read.more && !page.more && looked_at < most; looked_at += step) {
		if (looked_at > 0)
			step = CALLS_PAGE_MAX; /* not each passes */
		if (!calls_read_page(catalog, &all, &on, rows, step, &read, err))
			return false;
		take_rows(filter, rows, read.count, out, size, &page);
		on.start = read.next;
	}
	if (!page.more && read.more)
		page.next = read.next;
	page.more |= read.more;
	*out_page = page;
	return true;
}

static bool walk_page(struct catalog *catalog, enum call_side side,
		      const struct call_filter *filter, const struct call_cursor *cursor,
		      struct call_row *out, size_t size, struct call_page *out_page,
		      struct err *err)
{
	struct call_filter narrow = call_filter_narrow(filter);
	struct call_walk walk = call_walk_of(side, &narrow, cursor);

	assert(size > 0 && size <= CALLS_PAGE_MAX);
	if (filter->fate == CALLS_EXPIRED && !filter->number.len && !filter->call_sid.len)
		return calls_read_expired(catalog, filter, side, cursor, out, size, out_page, err);
	return filter->number.len && !filter->call_sid.len
		       ? calls_search(catalog, &narrow, &walk, out, size, out_page, err)
		       : calls_read_page(catalog, &narrow, &walk, out, size, out_page, err);
}

bool calls_list(struct catalog *catalog, const struct call_filter *filter,
		const struct call_cursor *after, struct call_row *out, size_t size,
		struct call_page *out_page, struct err *err)
{
	return walk_page(catalog, CALLS_OLDER, filter, after, out, size, out_page, err);
}

bool calls_list_newer(struct catalog *catalog, const struct call_filter *filter,
		      const struct call_cursor *before, struct call_row *out, size_t size,
		      struct call_page *out_page, struct err *err)
{
	if (!walk_page(catalog, CALLS_NEWER, filter, before, out, size, out_page, err))
		return false;
	call_rows_reverse(out, out_page->count);
	return true;
}
