/*
 * What the files of this room share; no other room includes it.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "catalog/notices.h"
#include "catalog/recordings.h"
#include "catalog/turns.h"
#include "db/db.h"

/* ---- processes.c: the first thing in a write transaction ---- */

bool process_fence(struct catalog *catalog, struct err *err) MUST_CHECK;

/* ---- rows.c: from columns to structs ---- */

/* Columns of `recordings r`, in the order in which recording_read() takes them. */
#define RECORDING_COLUMNS                                                                          \
	"r.recording_sid, r.call_sid, r.account_sid, r.state, r.is_held, r.is_duration_off, "      \
	"r.encryption IS NOT NULL, r.started_at_ms, r.completed_at_ms, r.duration_s, r.channels, " \
	"r.error_code, r.source, r.channels_wanted, r.queued_at_ms, r.next_try_at_ms, "            \
	"r.first_try_at_ms, r.tries, r.reason_code, r.reason_text, r.generation, "                 \
	"r.generation_at_ms, r.size, r.duration_ms, r.channels_stored, r.format, r.sha256, "       \
	"r.path, r.stored_at_ms, r.changed_seq, r.limited, r.trying_ms, r.waiting_since_ms, "      \
	"r.wait_rule, r.queue_rank, r.request_id, r.waveform, r.purged_at_ms, r.hold_by, "         \
	"r.hold_since_ms, r.hold_reason, r.live, r.direction"
#define RECORDING_COLUMN_COUNT 43

/* Columns of `calls c` and its main recording r, in the order in which call_read() takes them. */
#define CALL_COLUMNS                                                                        \
	"c.id, c.call_sid, c.parent_call_sid, c.account_sid, c.status, c.direction, "       \
	"c.direction_text, c.from_address, c.to_address, c.started_at_ms, c.ended_at_ms, "  \
	"c.duration_s, r.recording_sid, c.is_main_fixed, c.recording_group, c.recordings, " \
	"c.changed_seq, r.started_at_ms"
#define CALL_COLUMN_COUNT 18
#define CALLS_WITH_MAIN   " calls c LEFT JOIN recordings r ON r.id = c.main_recording_id"

/*
 * calls.recording_group is the group of the main recording, and this bit where it is held: so that what is held, and
 * what is not, are ranges of calls_by_group.
 */
#define GROUP_HELD 8
static inline int group_code(enum recording_state state, bool is_held)
{
	return (int)recording_state_group(state) | (is_held ? GROUP_HELD : 0);
}

/* Why Twilio kept none: of its error code, 0 where it told none. */
const char *recording_absent_code(int64_t error_code);

void recording_read(const struct db_stmt *row, int first, struct recording *out);
void call_read(const struct db_stmt *row, int first, struct call *out);

/* ---- calls_filter.c, calls_list.c, calls_search.c ---- */

/* The way that a page takes: from `start`, which is not in it, as far as the filter's other end. */
enum call_side { CALLS_OLDER, CALLS_NEWER, CALL_SIDES };
struct call_walk {
	enum call_side side;
	struct call_cursor start; /* the cursor, or the filter's nearer end */
	int64_t end_ms; /* OLDER: the last instant that is reached; NEWER: the first that is not */
};
struct call_walk call_walk_of(enum call_side side, const struct call_filter *filter,
			      const struct call_cursor *cursor);
/* The same filter, narrowed to the instants at which its fate is possible at all. */
struct call_filter call_filter_narrow(const struct call_filter *filter);
/* The values of calls.recording_group that the filter asks for; 0: any. */
#define CALL_CODES_MAX 5
size_t call_filter_codes(const struct call_filter *filter, int out[CALL_CODES_MAX]);
/* As it is shown, whichever way it was read. */
void call_rows_reverse(struct call_row *rows, size_t count);
/* A row of CALL_COLUMNS and RECORDING_COLUMNS. */
void call_row_read(const struct db_stmt *row, struct call_row *out);
/* The statement of a page, for its plan to be tested. */
const char *calls_list_sql(enum call_side side, const struct call_filter *filter);
/* A page's rows in the order of the walk: nearest to its start first.  By an index of the list, and of numbers. */
bool calls_read_page(struct catalog *catalog, const struct call_filter *filter,
		     const struct call_walk *walk, struct call_row *out, size_t size,
		     struct call_page *out_page, struct err *err) MUST_CHECK;
bool calls_search(struct catalog *catalog, const struct call_filter *filter,
		  const struct call_walk *walk, struct call_row *out, size_t size,
		  struct call_page *out_page, struct err *err) MUST_CHECK;

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
