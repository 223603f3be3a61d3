/*
 * The pages of the calls list.
 *
 * Every page is one or a few index ranges, read backwards and stopped by the limit,
 * whatever the filter: ten million calls cost what a thousand cost.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "listing/calls_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

/* A place in the list, that of a call: newer is larger, by both numbers.  Zeroed: none. */
struct call_cursor {
	int64_t started_at_ms, id;
};

struct call_row {
	struct call call;
	struct recording recording; /* its main one; zeroed when call.main_recording_sid is "" */
};

struct call_page {
	size_t count;            /* rows filled */
	bool more;               /* there may be more beyond `next`, even when count < size */
	struct call_cursor next; /* valid when more: where the next page of the same side begins */
};

#define CALLS_PAGE_MAX 200 /* `size` is at most this */

/*
 * One page, newest first: the calls just older than `after` (zeroed: the newest of all).  Calls that
 * arrive meanwhile move nothing: a cursor names a place in time, not a row number.
 */
bool calls_list(struct catalog *catalog, const struct call_filter *filter,
		const struct call_cursor *after, struct call_row *out, size_t size,
		struct call_page *out_page, struct err *err) MUST_CHECK;
/* The other way: those just newer than `before` (zeroed: the oldest of all); newest first, too. */
bool calls_list_newer(struct catalog *catalog, const struct call_filter *filter,
		      const struct call_cursor *before, struct call_row *out, size_t size,
		      struct call_page *out_page, struct err *err) MUST_CHECK;
