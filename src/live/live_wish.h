/*
 * What a client of a WebSocket says: which calls it wants to be told of from now on.  Pure.
 *
 *	{"filter": {"direction": "inbound", "state": "stored"}, "bottom": "1764374400000.17", "after": 4711, "id": 3}
 *
 * Each may be left out.  A filter takes the place of the one before, with the names of GET /api/calls.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "listing/calls_filter.h"
#include "live/call_query.h"

#include <stdbool.h>
#include <stdint.h>

struct live_wish {
	bool has_filter, has_bottom, has_after, has_id;
	struct call_query query;
	struct call_cursor bottom; /* zeroed: null, all are wanted */
	int64_t after;             /* the commit up to which everything is known */
	int64_t id;                /* comes back in the next message */
};

/* False: it is none, or a name or a value is not known.  *out stays where it is: the filter's texts lie in it. */
bool live_wish_read(struct str text, struct live_wish *out) MUST_CHECK;
