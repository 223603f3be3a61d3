/*
 * Pages of calls whose recordings are older than they are kept.
 *
 * How long that is depends on direction and account.  So the list of each direction is walked by itself, from where the
 * shortest rule for it lets anything have expired, and they are merged:
 *
 *	inbound    now       |==========-------------|
 *	outbound   now            |====--------------|        === read and safe to show
 *	not known  now                         |=====|
 *	                     ^ kept 7 days    ^ kept for a year
 *
 * Rules that differ by direction alone so cost nothing.  Where an account keeps for longer than the shortest rule, its calls lie
 * in between and are passed over, and so are those whose recordings began later than they did; of them a page looks at a bounded
 * number and then ends, short, with a place to go on from.
 */
#include "listing/listing_private.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

/* Calls of each direction that one page looks at, 5 us each. */
#define WALKED_MAX 4000

struct way_page {
	struct call_row *rows;
	struct call_page page;
	size_t at; /* the first that is not merged yet */
};

static bool read_way(struct catalog *catalog, const struct call_filter *filter, enum call_side side,
		     const struct call_cursor *cursor, enum retention_way way, size_t size,
		     struct way_page *out, struct err *err)
{
	int64_t edge_ms = retention_edge_ms(clock_wall_ms(),
					    retention_shortest_of_way_ms(filter->retention, way));
	struct call_filter narrow = *filter;
	struct call_walk walk;

	if (edge_ms == 0)
		return true; /* kept for ever */
	if (narrow.to_ms == 0 || narrow.to_ms > edge_ms)
		narrow.to_ms = edge_ms;
	walk = call_walk_of(side, &narrow, cursor);
	walk.has_direction = true;
	walk.direction = (enum call_direction)way;
	return calls_walk_list(catalog, filter, &walk, WALKED_MAX, out->rows, size, &out->page,
			       err);
}

static struct call_cursor place_of(const struct call_row *row)
{
	return (struct call_cursor){ row->call.started_at_ms, row->call.id };
}

/* The one whose next row is nearest; NULL: all are merged. */
static struct way_page *nearest(struct way_page ways[RETENTION_WAYS], enum call_side side)
{
	struct way_page *best = NULL;
	struct call_cursor best_place = { 0, 0 };

	for (int way = 0; way < RETENTION_WAYS; way++) {
		struct way_page *one = &ways[way];
		struct call_cursor place;

		if (one->at == one->page.count)
			continue;
		place = place_of(&one->rows[one->at]);
		if (!best || call_is_nearer(side, &place, &best_place)) {
			best = one;
			best_place = place;
		}
	}
	return best;
}

/* Beyond it something is not read yet; {0, 0}: all that there is was. */
static struct call_cursor horizon_of(const struct way_page ways[RETENTION_WAYS],
				     enum call_side side)
{
	struct call_cursor horizon = { 0, 0 };

	for (int way = 0; way < RETENTION_WAYS; way++) {
		const struct call_page *page = &ways[way].page;

		if (page->more && (horizon.id == 0 || call_is_nearer(side, &page->next, &horizon)))
			horizon = page->next;
	}
	return horizon;
}

static void merge(struct way_page ways[RETENTION_WAYS], enum call_side side, struct call_row *out,
		  size_t size, struct call_page *page)
{
	struct call_cursor horizon = horizon_of(ways, side);
	struct way_page *way;

	while ((way = nearest(ways, side))) {
		const struct call_row *row = &way->rows[way->at];
		struct call_cursor place = place_of(row);

		if (horizon.id != 0 && call_is_nearer(side, &horizon, &place))
			break;
		if (page->count == size) {
			page->more = true;
			return;
		}
		out[page->count++] = *row;
		page->next = place;
		way->at++;
	}
	if (horizon.id != 0) {
		page->more = true;
		page->next = horizon;
	}
}

bool calls_read_expired(struct catalog *catalog, const struct call_filter *filter,
			enum call_side side, const struct call_cursor *cursor, struct call_row *out,
			size_t size, struct call_page *out_page, struct err *err)
{
	AUTO(free) struct call_row *rows = xcalloc(RETENTION_WAYS * size, sizeof(*rows));
	struct way_page ways[RETENTION_WAYS] = { 0 };
	struct call_page page = { 0 };

	for (int way = 0; way < RETENTION_WAYS && filter->retention; way++) {
		ways[way].rows = rows + (size_t)way * size;
		if (filter->direction && (int)filter->direction != way)
			continue;
		if (!read_way(catalog, filter, side, cursor, (enum retention_way)way, size,
			      &ways[way], err))
			return false;
	}
	merge(ways, side, out, size, &page);
	*out_page = page;
	return true;
}
