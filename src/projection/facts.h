/*
 * What the ledger says of the calls and recordings that events name.
 *
 * On a ledger in a file each is asked for as an event comes to it.  On a server an answer is a round trip away; so there all that a
 * batch of events names is asked for at once (facts_name(), facts_read()), and what the events change is kept here as well
 * as sent to be written: then nothing waits between the first event of a batch and its commit.
 *
 * What it was read with is a write transaction, in which nobody else changes anything; with that it is over.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "catalog/main_recording.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct numbers_seen;

/* How far a recording is with Twilio.  By rank; stored as numbers: never renumber. */
enum upstream {
	UPSTREAM_ANNOUNCED,
	UPSTREAM_FAILED,
	UPSTREAM_ABSENT,
	UPSTREAM_COMPLETED,
	UPSTREAM_DELETED,
};

struct call_facts {
	struct call call;
	int started_rank;
	int64_t ask_at_ms; /* call_asks.h */
	int64_t main_recording_id;
	bool is_changed; /* by the event that is merged into it */
	bool is_moved;   /* in the list or among the numbers: indexes have to follow */
};

struct recording_facts {
	struct recording recording;
	struct recording_place place;
	enum upstream upstream;
	bool has_url, has_track;
	bool is_changed; /* by the event that is merged into it */
};

/* NULL stands for one in which nothing is known, and nothing is kept. */
struct facts;
struct facts *facts_new(void);
void facts_free(struct facts *facts);
DEFINE_AUTO(struct facts *, facts_free)

/* Before facts_read(): events will ask for it.  A SID that was not told does nothing. */
void facts_name_call(struct facts *facts, struct str call_sid);
void facts_name_recording(struct facts *facts, struct str recording_sid);
bool facts_read(struct facts *facts, struct catalog *catalog, struct err *err) MUST_CHECK;

/* What is here, else what the ledger says.  *out_found false: it has no such row, and *out is as it was. */
bool facts_find_call(struct facts *facts, struct catalog *catalog, struct str call_sid,
		     struct call_facts *out, bool *out_found, struct err *err) MUST_CHECK;
bool facts_find_recording(struct facts *facts, struct catalog *catalog, struct str recording_sid,
			  struct recording_facts *out, bool *out_found, struct err *err) MUST_CHECK;
/* The recording is the call's from now on, whose id is out->place.call_id: what it has to know of that. */
bool facts_find_call_of(struct facts *facts, struct catalog *catalog, struct str call_sid,
			struct recording_facts *out, struct err *err) MUST_CHECK;

/* NULL: none are kept. */
struct numbers_seen *facts_numbers(struct facts *facts);
/* Its row was written. */
void facts_keep_call(struct facts *facts, struct str call_sid, const struct call_facts *call);
/* The same, and place->… is how its call stands now, too (recording_moved()). */
void facts_keep_recording(struct facts *facts, struct str recording_sid,
			  const struct recording_facts *recording);
