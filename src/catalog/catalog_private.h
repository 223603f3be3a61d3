/*
 * What the files of this room share; no other room includes it.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "catalog/notices.h"
#include "catalog/recordings.h"
#include "catalog/rows.h"
#include "catalog/turns.h"
#include "db/db.h"

/* ---- processes.c: the first thing in a write transaction ---- */

bool process_fence(struct catalog *catalog, struct err *err) MUST_CHECK;

/* Why Twilio kept none: of its error code, 0 where it told none. */
const char *recording_absent_code(int64_t error_code);

/* ---- main_recording.c: which recording a call's address means ---- */

/* Where a recording stands: what its changes need to know. */
struct recording_place {
	int64_t id;
	int64_t call_id;            /* 0: its call is not known */
	enum recording_state state; /* RECORDING_STATES: it is new */
	uint64_t size;
	bool is_held;
	bool is_hold_changed; /* it is set, or lifted, now: is_held is how it was */
	bool is_main_fixed;   /* its call's */
	bool is_completed;    /* its completed event is being applied: it may become the main one */
	bool is_new_to_call;  /* its call does not count it yet */
};

/* recordings_mark.c: within a write transaction.  ERR_NOT_FOUND: no such recording. */
bool recording_place_find(struct catalog *catalog, struct str recording_sid,
			  struct recording_place *out, struct err *err) MUST_CHECK;
/* The same of one that may enter `to` from where it is; else ERR_CONFLICT. */
bool recording_place_find_for(struct catalog *catalog, struct str recording_sid,
			      enum recording_state to, struct recording_place *out,
			      struct err *err) MUST_CHECK;

/*
 * Counts a recording's change from place->state to `to` (its row says so already),
 * and keeps its call's main recording, group, count and changed_seq right.
 * *out_is_main (may be NULL): it was fixed as the main recording now.
 */
bool recording_moved(struct catalog *catalog, const struct recording_place *place,
		     enum recording_state to, int64_t changed_seq, bool *out_is_main,
		     struct err *err) MUST_CHECK;

/* ---- notices.c: where catalog->notifies ---- */

/* The one that a change from place->state to `to` calls for, if any. */
bool notice_of_move(struct catalog *catalog, const struct recording_place *place,
		    enum recording_state to, int64_t seq, struct err *err) MUST_CHECK;
/* Its digest is known: what waits for it does so no longer. */
bool notice_has_digest(struct catalog *catalog, struct str recording_sid,
		       struct err *err) MUST_CHECK;

/* ---- projection.c, project_call.c, project_recording.c: one event applied ---- */

struct event;
struct projection_change;

/* Is the event of another account than the row it is about?  "": the row's is not known yet. */
bool event_is_foreign(const char *account_sid, const struct event *event);
/* Makes or changes the call that the event names; *out_id is 0 when it names none, or a foreign one. */
bool project_call(struct catalog *catalog, const struct event *event, int64_t *out_id,
		  struct projection_change *change, struct err *err) MUST_CHECK;
/* Makes or changes the recording that the event names, of that call (0: not known). */
bool project_recording(struct catalog *catalog, const struct event *event, int64_t call_id,
		       struct projection_change *change, struct err *err) MUST_CHECK;
