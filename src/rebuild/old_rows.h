/* What a row of the old ledger says: columns by where they stand in every version of its schema.  Texts are borrowed. */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "chores/rescue.h"
#include "chores/verifications.h"
#include "rebuild/ledger_rows.h"

#include <stdbool.h>
#include <stdint.h>

/* A byte of a row may have been written over: what cannot be is not told. */

struct old_recording {
	struct str recording_sid, call_sid, account_sid, source, track, url, encryption;
	enum recording_state state; /* RECORDING_STATES: none of ours */
	int64_t upstream;           /* its rank (catalog/project_recording.c) */
	bool is_held, is_duration_off;
	int64_t started_at_ms, completed_at_ms, duration_s, channels, error_code;
	int64_t generation, generation_at_ms, size, duration_ms, channels_stored;
	struct str format, sha256, path, reason_code;
	int64_t stored_at_ms, removed_at_ms, hold_since_ms;
	struct str hold_by, hold_reason;
	int64_t upstream_copy; /* enum upstream_copy (chores/recordings_age.h) */
};
void old_recording_read(const struct ledger_row *row, struct old_recording *out);

struct old_call {
	struct str call_sid, parent_call_sid, account_sid, direction, from, to;
	enum call_status status;
	int64_t started_at_ms, ended_at_ms, duration_s;
	int64_t main_id; /* of the recording that its address means for ever; 0: of none yet */
	int64_t recordings;
};
void old_call_read(const struct ledger_row *row, struct old_call *out);

/* The numbers that the row tells were given, of the sequence or of attempts; 0: none. */
#define OLD_ROW_NUMBERS 3
void old_row_numbers(const struct ledger_row *row, int64_t out[OLD_ROW_NUMBERS]);

/*
 * Puts a row's numbers right that cannot be: what may be unknown is.  False: without it the row is none.  highest: that was
 * given, of the sequence or, where it is an event, of events.
 */
bool old_values_bound(enum rescue_table table, struct rescue_value *values, size_t count,
		      int64_t highest) MUST_CHECK;

/* A fault of the store that a verification found.  False: it is none, or not of what the ledger says is stored. */
bool old_fault_read(const struct ledger_row *row, struct store_fault *out) MUST_CHECK;
/* An instant that is kept of chores, and when an event came; 0: it cannot be. */
int64_t old_upkeep_at_ms(const struct ledger_row *row);
int64_t old_event_received_ms(const struct ledger_row *row);
