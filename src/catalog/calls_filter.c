/*
 * What the list and the search of calls share: whether a row passes, where a page begins,
 * how a row is read.
 */
#include "catalog/catalog_private.h"

#include "catalog/calls.h"

static bool ends_in(const char *address, const char *digits)
{
	char have[DIGITS_MAX + 1];

	digits_of_address(str_of(address), have);
	return str_starts(str_of(have), str_of(digits));
}

bool call_filter_passes(const struct call_filter *filter, const struct call *call)
{
	char digits[DIGITS_MAX + 1];

	if (filter->direction && call->direction != filter->direction)
		return false;
	if (filter->has_group && call->group != filter->group)
		return false;
	if (filter->from_ms && call->started_at_ms < filter->from_ms)
		return false;
	if (filter->to_ms && call->started_at_ms >= filter->to_ms)
		return false;
	if (filter->call_sid.len && !str_eq(filter->call_sid, str_of(call->call_sid)))
		return false;
	if (!filter->number.len)
		return true;
	digits_of_search(filter->number, digits);
	return ends_in(call->from, digits) || ends_in(call->to, digits);
}

struct call_walk call_walk_of(enum call_side side, const struct call_filter *filter,
			      const struct call_cursor *cursor)
{
	struct call_walk walk = { .side = side };

	if (side == CALLS_NEWER) {
		walk.start.started_at_ms = filter->from_ms; /* ids are positive: behind (from, 0) */
		if (cursor->id && cursor->started_at_ms >= filter->from_ms)
			walk.start = *cursor;
		walk.end_ms = filter->to_ms ? filter->to_ms : INT64_MAX;
		return walk;
	}
	walk.start.started_at_ms = filter->to_ms ? filter->to_ms : INT64_MAX;
	if (cursor->id && cursor->started_at_ms < walk.start.started_at_ms)
		walk.start = *cursor;
	walk.end_ms = filter->from_ms;
	return walk;
}

void call_rows_reverse(struct call_row *rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct call_row row = rows[i];

		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = row;
	}
}

void call_row_read(const struct db_stmt *row, struct call_row *out)
{
	memset(&out->recording, 0, sizeof(out->recording));
	call_read(row, 0, &out->call);
	if (out->call.main_recording_sid[0])
		recording_read(row, CALL_COLUMN_COUNT, &out->recording);
}
