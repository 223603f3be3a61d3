/*
 * From events to calls and recordings.
 *
 * projection_run() takes the events after the watermark, applies each, and moves
 * the watermark, all in the caller's transaction: a crash leaves either both or
 * neither, and the next start goes on from there.
 *
 * Events come late, twice and out of order; the result does not depend on it, with
 * one exception that is meant: a call's main recording is the one whose `completed`
 * event was committed first, for ever.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of projection_change.what; stored (turn_news.h): append only, never renumber. */
enum projection_what {
	PROJECTED_CALL = 1 << 0,       /* the call is new, or changed */
	PROJECTED_RECORDING = 1 << 1,  /* the recording is new, or changed */
	PROJECTED_TO_FETCH = 1 << 2,   /* the recording became RECORDING_QUEUED: start a flight */
	PROJECTED_MAIN = 1 << 3,       /* this recording became the call's main recording */
	PROJECTED_CALL_ENDED = 1 << 4, /* the call's status became final */
	PROJECTED_STORED = 1 << 5,     /* the recording became RECORDING_STORED, or again */
	/* Of auth/: what loops know of a credential, of all of a user's, of all visits of links, is over. */
	PROJECTED_CREDENTIAL = 1 << 6,
	PROJECTED_USER = 1 << 7,
	PROJECTED_LINK = 1 << 8,
	PROJECTED_REMOVED =
		1 << 9, /* the recording was purged or deleted: its files are to go (removals.h) */
	/*
	 * With PROJECTED_CALL, of a call that was known: where it stands in the list, its direction or its numbers
	 * changed.  A list that has it must look again whether it still belongs there.
	 */
	PROJECTED_MOVED = 1 << 10,
	/* Of another process's turns some were missed: whoever keeps anything may hold what is no longer so.  No SID is named. */
	PROJECTED_ALL = 1 << 11,
	PROJECTED_LET_GO =
		1 << 12, /* an attempt is over that may have held what was to be removed */
};

struct projection_change {
	unsigned what;
	char call_sid[SID_SIZE];      /* "" when the recording's call is not known */
	char recording_sid[SID_SIZE]; /* "" when the event named none */
	char account_sid[SID_SIZE];   /* "" when not told */
	int64_t credential_id;        /* with PROJECTED_CREDENTIAL */
	int64_t user_id;              /* with PROJECTED_USER */
};

#define PROJECTION_EVENTS_MAX 256

/* One change an event at most, events without effect none; in the order of the events. */
struct projection_result {
	struct projection_change changes[PROJECTION_EVENTS_MAX];
	size_t count;
	size_t events;     /* taken from the log; 0: nothing was waiting */
	int64_t watermark; /* the last event that is applied, of the stream that was read last */
	int64_t sequence;  /* catalog_sequence() after it: broadcast it after the commit */
	bool more;         /* events are waiting still: call again */
	/* After an error: the event that could not be applied, behind `events` that could; 0: none is to blame. */
	int64_t failed_event, failed_stream;
};

/*
 * Of the stream of turns, of the process's own (events.h), and of those that processes left that are no more.
 */
/* Applies up to max_events (at most PROJECTION_EVENTS_MAX) within the caller's transaction. */
bool projection_run(struct catalog *catalog, size_t max_events, struct projection_result *out,
		    struct err *err) MUST_CHECK;

/*
 * Passes over the event for good, which is the next one after the watermark: it stays in the log, and
 * events_set_aside says when and why (catalog_counts.events_set_aside).
 */
bool projection_set_aside(struct catalog *catalog, int64_t stream, int64_t event_seq, int64_t at_ms,
			  const char *reason, struct err *err) MUST_CHECK;
