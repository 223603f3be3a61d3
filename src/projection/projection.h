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
#include "catalog/projection_change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_stmt;

#define PROJECTION_EVENTS_MAX 256

/* One change an event at most, events without effect none; in the order of the events. */
struct projection_result {
	struct projection_change changes[PROJECTION_EVENTS_MAX];
	size_t count;
	size_t events;     /* taken from the log; 0: nothing was waiting */
	int64_t watermark; /* the last event that is applied, of the stream that was read last */
	int64_t sequence;  /* catalog_sequence() after it: broadcast it after the commit */
	bool more;         /* events are waiting still: call again */
	/*
	 * After an error, of the run or of its commit: which event is to blame cannot be said, for many were sent before one was
	 * answered.  projection_run_carefully() says it.
	 */
	bool is_unclear;
	/* After an error: the event that could not be applied, behind `events` that could; 0: none is to blame. */
	int64_t failed_event, failed_stream;
};

/*
 * Applies up to max_events (at most PROJECTION_EVENTS_MAX) within the caller's transaction: of the stream of turns, of the
 * process's own (catalog/events.h), and of those that processes left that are no more.
 */
bool projection_run(struct catalog *catalog, size_t max_events, struct projection_result *out,
		    struct err *err) MUST_CHECK;

/*
 * The same in a transaction that is begun so (catalog_begin_ahead()): on a server the events come with its begin.  Where they are
 * those that come after the watermark is found out then; else they are asked for once more.  To be released when the run is
 * over, or was not to be; and asked anew for each.
 */
struct projection_ahead {
	struct catalog_ahead ahead;
	struct db_stmt *events[2]; /* of turns, of this process; NULL: not asked for, or read */
	int64_t after[2];
	size_t max_events;
};
struct catalog_ahead *projection_ahead(struct projection_ahead *ahead, size_t max_events);
void projection_ahead_release(struct projection_ahead *ahead);
bool projection_run_ahead(struct catalog *catalog, struct projection_ahead *ahead,
			  struct projection_result *out, struct err *err) MUST_CHECK;

/* The same, one event after the other: on a server each waits for answers. */
bool projection_run_carefully(struct catalog *catalog, size_t max_events,
			      struct projection_result *out, struct err *err) MUST_CHECK;

/*
 * Passes over the event for good, which is the next one after the watermark: it stays in the log, and
 * events_set_aside says when and why (catalog_counts.events_set_aside).  Where another process has passed it since, nothing is done.
 */
bool projection_set_aside(struct catalog *catalog, int64_t stream, int64_t event_seq, int64_t at_ms,
			  const char *reason, struct err *err) MUST_CHECK;
