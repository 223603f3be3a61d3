/*
 * Calls: one row each, as the projection derived it, and the pages of the calls list.
 *
 * Every page is one or a few index ranges, read backwards and stopped by the limit,
 * whatever the filter: ten million calls cost what a thousand cost.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By rank: a call never goes back.  Stored as numbers: never renumber. */
enum call_status {
	CALL_STATUS_UNKNOWN = 0, /* only known by its recording */
	CALL_QUEUED = 10,
	CALL_INITIATED = 20,
	CALL_RINGING = 30,
	CALL_IN_PROGRESS = 40,
	CALL_CANCELED = 50, /* from here on: final */
	CALL_FAILED = 51,
	CALL_NO_ANSWER = 52,
	CALL_BUSY = 53,
	CALL_COMPLETED = 54,
};
/* As Twilio spells it ("in-progress"); "" for unknown. */
const char *call_status_text(enum call_status status);
/* CALL_STATUS_UNKNOWN for what we do not know. */
enum call_status call_status_from_text(struct str text);
bool call_status_is_final(enum call_status status);

/*
 * The tab a call is listed under.  Outbound: outbound-api, outbound-dial,
 * trunking-originating (our side placed it through the trunk).  Inbound: inbound,
 * trunking-terminating (it came from the network to our side).
 * Stored as numbers: never renumber.
 */
enum call_direction {
	CALL_DIRECTION_UNKNOWN, /* not told yet: listed under All alone */
	CALL_INBOUND,
	CALL_OUTBOUND,
};
enum call_direction call_direction_from_text(struct str text);

#define CALL_NUMBER_SIZE \
	512 /* a SIP address may be long; a longer one is cut, the event keeps it whole */

/* A plain value.  Times: wall clock, 0 not known. */
struct call {
	int64_t id; /* the ledger's own number; part of the cursor */
	char call_sid[SID_SIZE];
	char parent_call_sid[SID_SIZE]; /* "" on a first leg */
	char account_sid[SID_SIZE];     /* "" when not told */
	enum call_status status;
	enum call_direction direction;
	char direction_text[24]; /* as Twilio spells it; "" when not told */
	char from[CALL_NUMBER_SIZE], to[CALL_NUMBER_SIZE];
	int64_t started_at_ms; /* the best that is known, at worst when we first heard of it; never 0 */
	int64_t ended_at_ms;
	int64_t duration_s;                /* -1 not told */
	char main_recording_sid[SID_SIZE]; /* "" none */
	bool is_main_fixed;         /* a recording completed: the main one never changes again */
	enum recording_group group; /* of the main recording */
	bool is_main_held;
	int64_t main_started_at_ms; /* when the main recording began; 0 not known */
	int64_t recordings;         /* how many it has */
	int64_t changed_seq; /* catalog_sequence() of its last change, its recordings' included */
};

/* ERR_NOT_FOUND when we do not know it. */
bool calls_find(struct catalog *catalog, struct str call_sid, struct call *out,
		struct err *err) MUST_CHECK;

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
