/*
 * What the list and the search of calls share: whether a row passes, where a page begins,
 * how a row is read.
 */
#include "listing/calls_filter.h"

#include "base/clock.h"
#include "listing/listing_private.h"
#include "numbers/number_digits.h"

static bool holds(const char *address, const struct digits *sought)
{
	struct digits number = digits_of_address(str_of(address));

	return digits_hold(&number, sought);
}

/* Twilio's longest call, and so how much later than its call a recording may begin. */
#define CALL_LONGEST_MS (24 * 60 * 60 * 1000LL)

_Static_assert((int)CALL_INBOUND == RETENTION_INBOUND && (int)CALL_OUTBOUND == RETENTION_OUTBOUND,
	       "the rules of retention know directions by these numbers");

/* What began before it has expired by the rule that keeps shortest, or longest; 0: nothing has. */
static int64_t expired_before_ms(const struct call_filter *filter, bool is_shortest)
{
	const struct retention_rules *rules = filter->retention;

	if (!rules)
		return 0;
	return retention_edge_ms(clock_wall_ms(), is_shortest ? retention_shortest_ms(rules)
							      : retention_longest_ms(rules));
}

struct call_filter call_filter_narrow(const struct call_filter *filter)
{
	struct call_filter narrow = *filter;
	int64_t edge_ms = expired_before_ms(filter, filter->fate == CALLS_EXPIRED);

	/* A call begins before its recording. */
	if (filter->fate == CALLS_EXPIRED && (narrow.to_ms == 0 || narrow.to_ms > edge_ms))
		narrow.to_ms = edge_ms > 0 ? edge_ms : 1;
	/* What was too old to be fetched may be many. */
	if (filter->fate == CALLS_ON_THE_WAY && narrow.from_ms < edge_ms - CALL_LONGEST_MS)
		narrow.from_ms = edge_ms - CALL_LONGEST_MS;
	return narrow;
}

size_t call_filter_codes(const struct call_filter *filter, int out[CALL_CODES_MAX])
{
	static const enum recording_group expiring[] = { RECORDING_GROUP_PENDING,
							 RECORDING_GROUP_STORED,
							 RECORDING_GROUP_FAILED };
	size_t count = 0;

	if (filter->fate == CALLS_HELD)
		for (int group = RECORDING_GROUP_PENDING; group < RECORDING_GROUPS; group++)
			out[count++] = group | GROUP_HELD;
	else if (filter->fate == CALLS_EXPIRED)
		for (size_t i = 0; i < ARRAY_LEN(expiring); i++)
			out[count++] = (int)expiring[i];
	if (filter->fate == CALLS_HELD || filter->fate == CALLS_EXPIRED)
		return count;
	if (filter->fate == CALLS_OF_ANY_FATE && !filter->has_group)
		return 0;
	out[0] = filter->has_group ? (int)filter->group : RECORDING_GROUP_PENDING;
	out[1] = out[0] | GROUP_HELD;
	return 2;
}

static bool has_expired(const struct call_filter *filter, const struct call *call)
{
	struct kept kept = { .way = (enum retention_way)call->direction,
			     .is_held = call->is_main_held,
			     .started_at_ms = call->main_started_at_ms };

	memcpy(kept.account_sid, call->account_sid, SID_SIZE);
	return filter->retention &&
	       retention_expires_at_ms(filter->retention, &kept) < clock_wall_ms();
}

static bool has_state(const struct call_filter *filter, const struct call *call)
{
	int codes[CALL_CODES_MAX], code = (int)call->group | (call->is_main_held ? GROUP_HELD : 0);
	size_t count = call_filter_codes(filter, codes), at = 0;

	while (at < count && codes[at] != code)
		at++;
	if (count > 0 && at == count)
		return false;
	if (filter->fate == CALLS_EXPIRED)
		return has_expired(filter, call);
	return filter->fate != CALLS_ON_THE_WAY || !has_expired(filter, call);
}

bool call_filter_passes(const struct call_filter *filter, const struct call *call)
{
	struct digits sought;

	if (filter->direction && call->direction != filter->direction)
		return false;
	if (!has_state(filter, call))
		return false;
	if (filter->from_ms && call->started_at_ms < filter->from_ms)
		return false;
	if (filter->to_ms && call->started_at_ms >= filter->to_ms)
		return false;
	if (filter->call_sid.len && !str_eq(filter->call_sid, str_of(call->call_sid)))
		return false;
	if (!filter->number.len)
		return true;
	sought = digits_of_search(filter->number);
	return holds(call->from, &sought) || holds(call->to, &sought);
}

bool call_filter_drop_state(const struct call_filter *filter, struct call_filter *out)
{
	*out = *filter;
	out->has_group = false;
	out->fate = CALLS_OF_ANY_FATE;
	return filter->has_group || filter->fate != CALLS_OF_ANY_FATE;
}

struct call_walk call_walk_of(enum call_side side, const struct call_filter *filter,
			      const struct call_cursor *cursor)
{
	struct call_walk walk = { .side = side,
				  .has_direction = filter->direction != CALL_DIRECTION_UNKNOWN,
				  .direction = filter->direction };

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

bool call_is_nearer(enum call_side side, const struct call_cursor *a, const struct call_cursor *b)
{
	bool is_newer = a->started_at_ms != b->started_at_ms ? a->started_at_ms > b->started_at_ms
							     : a->id > b->id;
	bool is_same = a->started_at_ms == b->started_at_ms && a->id == b->id;

	return !is_same && is_newer == (side == CALLS_OLDER);
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
