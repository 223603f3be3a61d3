/*
 * The pages of the list of recordings: those of the newest call first, of one call the newest first; behind all of them
 * those that are of no call.
 *
 * A page walks an index of calls backwards and looks at a bounded number of them, whatever the filter: it may be short,
 * or empty, with a place to go on from.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct retention_rules;

struct recording_filter {
	struct str account_sid; /* those of it, and those of which no account is known */
	struct str call_sid;    /* those of it alone; at == NULL: of any, or none */
	int64_t from_ms;        /* began at or after; 0: no bound */
	int64_t to_ms;          /* began before; 0: no bound */
	bool with_removed; /* those, too, of which nothing is here any more, or that have expired */
	const struct retention_rules *retention; /* NULL: nothing expires */
};
/* Whether nothing of it is to be had for good, or because it is older than recordings are kept. */
bool recording_is_over(const struct recording *recording, const struct retention_rules *retention,
		       int64_t now_ms);

/* A place in the list, that of a recording.  Zeroed: none. */
struct recording_cursor {
	int64_t started_at_ms, call_id; /* of its call; 0: it has none */
	int64_t id;
};

struct recording_page {
	size_t count;
	bool more;
	struct recording_cursor next; /* valid when more */
};

#define RECORDINGS_PAGE_MAX 1000 /* `size` is at most this */

bool recordings_list(struct catalog *catalog, const struct recording_filter *filter,
		     const struct recording_cursor *after, struct recording *out, size_t size,
		     struct recording_page *out_page, struct err *err) MUST_CHECK;
