/*
 * Pages of the calls list for a number.
 *
 * Numbers that have the digits in them that were typed are few when the digits are many (numbers/numbers_find.h).
 * Then the calls of each that are nearest to where the page begins are read from its range and merged:
 *
 *	+972501234567   |=======----------|
 *	+441501234567   |==---------------|        === read and safe to show
 *	                ^ cursor   ^ horizon
 *
 * Of a number with more calls than were read, nothing is known beyond its last one.
 * The nearest such place is the horizon: what lies beyond it waits for the next page.
 * A page of newer calls goes the other way, with everything mirrored.
 *
 * Where numbers are many, so are their calls: the list itself is walked, and each call looked at, until the page is full.
 * Between few and many a short walk tells whether it would be soon.
 *
 * Other filters are checked while the keys are read.  Whatever way it goes, a page looks at a bounded number of
 * calls and then ends, short, with a cursor to go on from: its cost is bounded and nothing is left out.
 */
#include "listing/listing_private.h"

#include <stdlib.h>

#include "base/mem.h"
#include "numbers/numbers_find.h"

/*
 * So many numbers are merged, each a descent: among two million some 40 ms.  With filters that are asked of each call, which
 * lies on a page of its own, fewer.
 */
#define NUMBERS_MAX          4096
#define NUMBERS_MAX_FILTERED 512
/* So many are merged without a walk before. */
#define NUMBERS_FEW          256
#define NUMBERS_FEW_FILTERED 64
#define KEYS_MAX             16384
#define LOOKED_AT_MAX        1000 /* keys a page reads to find some that pass the other filters */

/* Calls that a walk looks at, 5 us each; and of a short one, which is worth it for so many found. */
#define WALKED_MAX       5000
#define WALKED_SHORT_MAX 1000
#define WALKED_WORTH     10

struct keys {
	struct call_cursor *at;
	size_t count;
	struct call_cursor horizon; /* {0, 0}: all that there is was read */
};

static int newest_first(const void *left, const void *right)
{
	const struct call_cursor *a = left, *b = right;

	return call_is_nearer(CALLS_OLDER, a, b) ? -1 : call_is_nearer(CALLS_NEWER, a, b) ? 1 : 0;
}

static int oldest_first(const void *left, const void *right)
{
	return newest_first(right, left);
}

#define OLDER_KEYS                                                                 \
	" WHERE n.digits = $1 AND (n.started_at_ms, n.call_id) < ($2, $3) "        \
	"AND n.started_at_ms >= $4 ORDER BY n.started_at_ms DESC, n.call_id DESC " \
	"LIMIT $5"
#define NEWER_KEYS                                                          \
	" WHERE n.digits = $1 AND (n.started_at_ms, n.call_id) > ($2, $3) " \
	"AND n.started_at_ms < $4 ORDER BY n.started_at_ms, n.call_id LIMIT $5"
/* Without the calls, each of which may lie on a page of its own, where nothing is asked of them. */
#define KEYS "SELECT n.started_at_ms, n.call_id FROM call_numbers n"
#define KEYS_OF_CALLS                                                        \
	"SELECT n.started_at_ms, n.call_id, c.direction, c.recording_group " \
	"FROM call_numbers n JOIN calls c ON c.id = n.call_id"

static const char *const keys_sql[CALL_SIDES][2] = {
	[CALLS_OLDER] = { KEYS OLDER_KEYS, KEYS_OF_CALLS OLDER_KEYS },
	[CALLS_NEWER] = { KEYS NEWER_KEYS, KEYS_OF_CALLS NEWER_KEYS },
};

static bool is_filtered(const struct call_filter *filter)
{
	return filter->direction || filter->has_group || filter->fate != CALLS_OF_ANY_FATE;
}

static bool has_code(const struct call_filter *filter, int code)
{
	int codes[CALL_CODES_MAX];
	size_t count = call_filter_codes(filter, codes);

	for (size_t i = 0; i < count; i++)
		if (codes[i] == code)
			return true;
	return count == 0;
}

/* Appends those of a number's nearest `limit` keys that pass the filter; moves the horizon. */
static bool read_keys(struct catalog *catalog, const struct digits *number,
		      const struct call_filter *filter, const struct call_walk *walk, size_t limit,
		      struct keys *keys, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct call_cursor key = { 0, 0 };
	enum db_step step;
	size_t looked_at = 0;

	if (!db_prepare(catalog_db(catalog), keys_sql[walk->side][is_filtered(filter)], &list, err))
		return false;
	db_bind_str(list, 1, str_of(number->text));
	db_bind_int(list, 2, walk->start.started_at_ms);
	db_bind_int(list, 3, walk->start.id);
	db_bind_int(list, 4, walk->end_ms);
	db_bind_int(list, 5, (int64_t)limit);
	for (; (step = db_step(list, err)) == DB_ROW && looked_at < limit; looked_at++) {
		key = (struct call_cursor){ db_column_int(list, 0), db_column_int(list, 1) };
		if (filter->direction && db_column_int(list, 2) != filter->direction)
			continue;
		if (is_filtered(filter) && !has_code(filter, (int)db_column_int(list, 3)))
			continue;
		keys->at[keys->count++] = key;
	}
	if (looked_at == limit &&
	    (!keys->horizon.id || call_is_nearer(walk->side, &key, &keys->horizon)))
		keys->horizon = key;
	return step != DB_FAILED;
}

static bool read_row(struct catalog *catalog, int64_t id, struct call_row *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " CALL_COLUMNS ", " RECORDING_COLUMNS " FROM" CALLS_WITH_MAIN
			" WHERE c.id = $1",
			&find, err))
		return false;
	db_bind_int(find, 1, id);
	switch (db_step(find, err)) {
	case DB_ROW:
		call_row_read(find, out);
		return true;
	case DB_DONE:
		return err_set(err, ERR_INTERNAL, "an index of numbers names a call that is not");
	case DB_FAILED:
		break;
	}
	return false;
}

/* Rows of the sorted keys up to the horizon, as many as fit. */
static bool fill_page(struct catalog *catalog, const struct call_filter *filter,
		      enum call_side side, const struct keys *keys, struct call_row *out,
		      size_t size, struct call_page *page, struct err *err)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct call_cursor *key = &keys->at[i];

		if (keys->horizon.id && call_is_nearer(side, &keys->horizon, key))
			break;
		if (i && key->id == keys->at[i - 1].id) /* from and to end alike */
			continue;
		if (page->count == size) {
			page->more = true;
			return true;
		}
		if (!read_row(catalog, key->id, &out[page->count], err))
			return false;
		page->count += call_filter_passes(filter, &out[page->count].call);
		page->next = *key;
	}
	if (keys->horizon.id) {
		page->more = true;
		page->next = keys->horizon;
	}
	return true;
}

/* How many keys of each number are read. */
static size_t keys_of_each(const struct call_filter *filter, size_t numbers, size_t size)
{
	/* Two more than fit: one tells that there is more, and one may be there twice. */
	size_t limit = size + 2;

	if (numbers == 0)
		return limit;
	if (is_filtered(filter) && limit < LOOKED_AT_MAX / numbers)
		limit = LOOKED_AT_MAX / numbers;
	return limit < KEYS_MAX / numbers ? limit : KEYS_MAX / numbers;
}

static bool merge(struct catalog *catalog, const struct call_filter *filter,
		  const struct call_walk *walk, const struct digits *numbers, size_t count,
		  struct call_row *out, size_t size, struct call_page *out_page, struct err *err)
{
	size_t limit = keys_of_each(filter, count, size);
	AUTO(free) struct call_cursor *at = xcalloc(count * limit + 1, sizeof(*at));
	struct keys keys = { .at = at };
	struct call_page page = { 0 };

	for (size_t i = 0; i < count; i++)
		if (!read_keys(catalog, &numbers[i], filter, walk, limit, &keys, err))
			return false;
	qsort(keys.at, keys.count, sizeof(*keys.at),
	      walk->side == CALLS_NEWER ? oldest_first : newest_first);
	if (!fill_page(catalog, filter, walk->side, &keys, out, size, &page, err))
		return false;
	*out_page = page;
	return true;
}

bool calls_search(struct catalog *catalog, const struct call_filter *filter,
		  const struct call_walk *walk, struct call_row *out, size_t size,
		  struct call_page *out_page, struct err *err)
{
	size_t most = is_filtered(filter) ? NUMBERS_MAX_FILTERED : NUMBERS_MAX, count;
	struct digits sought = digits_of_search(filter->number);
	AUTO(free) struct digits *numbers = NULL;
	bool are_many;

	if (strlen(sought.text) < DIGITS_SEARCH_MIN)
		return err_set(err, ERR_INVALID, "a number to search by needs %d digits at least",
			       DIGITS_SEARCH_MIN);
	numbers = xcalloc(most, sizeof(*numbers));
	if (!numbers_find(catalog_db(catalog), &sought, numbers, most, &count, &are_many, err))
		return false;
	if (are_many)
		return calls_walk_list(catalog, filter, walk, WALKED_MAX, out, size, out_page, err);
	if (count > (is_filtered(filter) ? NUMBERS_FEW_FILTERED : NUMBERS_FEW)) {
		if (!calls_walk_list(catalog, filter, walk, WALKED_SHORT_MAX, out, size, out_page,
				     err))
			return false;
		if (out_page->count >= WALKED_WORTH || !out_page->more)
			return true;
	}
	return merge(catalog, filter, walk, numbers, count, out, size, out_page, err);
}
