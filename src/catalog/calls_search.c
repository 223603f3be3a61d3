/*
 * Pages of the calls list for a number.
 *
 * Numbers that end in the digits that were typed are few when the digits are many.
 * They are found by leaping through the index from one number to the next, a descent
 * each; then the calls of each that are nearest to where the page begins are read from its range and merged:
 *
 *	+972501234567   |=======----------|
 *	+441501234567   |==---------------|        === read and safe to show
 *	                ^ cursor   ^ horizon
 *
 * Of a number with more calls than were read, nothing is known beyond its last one.
 * The nearest such place is the horizon: what lies beyond it waits for the next page.
 * A page of newer calls goes the other way, with everything mirrored.
 *
 * Other filters are checked while the keys are read.  Where they pass few, a page
 * looks at about LOOKED_AT_MAX keys and then ends, short, with a cursor to go on from
 * at the horizon: its cost is bounded and nothing is left out.
 */
#include "catalog/catalog_private.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "catalog/calls.h"

/*
 * That end in the same digits; more: is_number_vague.  Among two million numbers four digits end
 * some 200: found in 1.3 ms.  With filters that are asked of each call, which lies on a page of
 * its own, as many would keep a reader from the plays for tens of milliseconds.
 */
#define NUMBERS_MAX          512
#define NUMBERS_MAX_FILTERED 64
#define LOOKED_AT_MAX        1000 /* keys a page reads to find some that pass the other filters */

struct number {
	char digits[DIGITS_MAX + 1];
};

struct keys {
	struct call_cursor *at;
	size_t count;
	struct call_cursor horizon; /* {0, 0}: all that there is was read */
};

static bool is_newer(const struct call_cursor *a, const struct call_cursor *b)
{
	if (a->started_at_ms != b->started_at_ms)
		return a->started_at_ms > b->started_at_ms;
	return a->id > b->id;
}

/* Does the walk come to `a` before it comes to `b`? */
static bool is_nearer(enum call_side side, const struct call_cursor *a, const struct call_cursor *b)
{
	return side == CALLS_NEWER ? is_newer(b, a) : is_newer(a, b);
}

static int newest_first(const void *left, const void *right)
{
	const struct call_cursor *a = left, *b = right;

	return is_newer(a, b) ? -1 : is_newer(b, a) ? 1 : 0;
}

static int oldest_first(const void *left, const void *right)
{
	return newest_first(right, left);
}

/* The first number at or after `least` that begins with `digits` (reversed: ends in them). */
static bool next_number(struct catalog *catalog, const char *least, const char *digits,
			struct number *out, bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	char end[DIGITS_MAX + 2];
	struct buf past;
	enum db_step step;

	buf_over(&past, end, sizeof(end));
	buf_add_text(&past, digits);
	buf_add_byte(&past, ':'); /* stands after '9' */
	if (!db_prepare(catalog->db,
			"SELECT digits FROM call_numbers WHERE digits >= $1 AND digits < $2 "
			"ORDER BY digits LIMIT 1",
			&find, err))
		return false;
	db_bind_str(find, 1, str_of(least));
	db_bind_str(find, 2, buf_str(&past));
	step = db_step(find, err);
	if (step == DB_ROW)
		text_set(out->digits, sizeof(out->digits), db_column_str(find, 0));
	*out_found = step == DB_ROW;
	return step != DB_FAILED;
}

static bool find_numbers(struct catalog *catalog, const char *digits, struct number *numbers,
			 size_t most, size_t *out_count, bool *out_vague, struct err *err)
{
	char least[DIGITS_MAX + 2];
	struct number number;
	bool found = true;
	size_t count = 0;
	struct buf next;

	buf_over(&next, least, sizeof(least));
	buf_add_text(&next, digits);
	for (;;) {
		if (!next_number(catalog, least, digits, &number, &found, err))
			return false;
		if (!found || count == most)
			break;
		numbers[count++] = number;
		buf_clear(&next);
		buf_add_text(&next, number.digits);
		buf_add_byte(&next, '0'); /* the least text after it that is made of digits */
	}
	*out_count = count;
	*out_vague = found;
	return true;
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
static bool read_keys(struct catalog *catalog, const struct number *number,
		      const struct call_filter *filter, const struct call_walk *walk, size_t limit,
		      struct keys *keys, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct call_cursor key = { 0, 0 };
	enum db_step step;
	size_t looked_at = 0;

	if (!db_prepare(catalog->db, keys_sql[walk->side][is_filtered(filter)], &list, err))
		return false;
	db_bind_str(list, 1, str_of(number->digits));
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
	    (!keys->horizon.id || is_nearer(walk->side, &key, &keys->horizon)))
		keys->horizon = key;
	return step != DB_FAILED;
}

static bool read_row(struct catalog *catalog, int64_t id, struct call_row *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db,
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

		if (keys->horizon.id && is_nearer(side, &keys->horizon, key))
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

bool calls_search(struct catalog *catalog, const struct call_filter *filter,
		  const struct call_walk *walk, struct call_row *out, size_t size,
		  struct call_page *out_page, struct err *err)
{
	size_t most = is_filtered(filter) ? NUMBERS_MAX_FILTERED : NUMBERS_MAX;
	AUTO(free) struct number *numbers = xcalloc(most, sizeof(*numbers));
	struct call_page page = { 0 };
	/* Two more than fit: one tells that there is more, and one may be there twice. */
	size_t count, limit = size + 2;
	char digits[DIGITS_MAX + 1];

	digits_of_search(filter->number, digits);
	if (strlen(digits) < CALL_NUMBER_DIGITS_MIN)
		return err_set(err, ERR_INVALID, "a number to search by needs %d digits at least",
			       CALL_NUMBER_DIGITS_MIN);
	if (!find_numbers(catalog, digits, numbers, most, &count, &page.is_number_vague, err))
		return false;
	if (is_filtered(filter) && count && limit < LOOKED_AT_MAX / count)
		limit = LOOKED_AT_MAX / count;

	AUTO(free) struct call_cursor *at = xcalloc(count * limit + 1, sizeof(*at));
	struct keys keys = { .at = at };

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
