/*
 * What the calls list is filtered by.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

/* What becomes of the main recording, whatever its group. */
enum call_fate {
	CALLS_OF_ANY_FATE,
	CALLS_HELD,
	CALLS_EXPIRED,    /* older than recordings are kept: neither held nor absent nor deleted */
	CALLS_ON_THE_WAY, /* announced, queued, waiting, being fetched; not expired */
};

/* Zeroed it asks for everything. */
struct call_filter {
	enum call_direction direction; /* CALL_DIRECTION_UNKNOWN: all */
	int64_t from_ms;               /* started at or after; 0: no bound */
	int64_t to_ms;                 /* started before; 0: no bound */
	bool has_group;                /* only calls whose main recording is in `group` */
	enum recording_group group;
	enum call_fate fate; /* with has_group: CALLS_OF_ANY_FATE */
	const struct retention_rules
		*retention; /* for the fates: how long recordings are kept; NULL: for ever */
	/*
	 * A number as a person types it: digits only count, leading zeros are dropped.
	 * Finds calls from or to numbers that have them in them, anywhere.  At least
	 * DIGITS_SEARCH_MIN digits must be left (ERR_INVALID).
	 */
	struct str number;
	struct str call_sid; /* exactly this call; the other filters still count */
};
/* Whether a call that was found another way passes the filter (its number and call_sid included). */
bool call_filter_passes(const struct call_filter *filter, const struct call *call);
/* Does it ask for what becomes of recordings?  *out: the same without that. */
bool call_filter_drop_state(const struct call_filter *filter, struct call_filter *out);
