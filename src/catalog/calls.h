/*
 * Calls: one row each, as the projection derived it.  Pages of them: listing/calls_list.h.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
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
