/* What a row of the old ledger says: columns by where they stand in every version of its schema.  Texts are borrowed. */
#pragma once

#include "base/str.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "rebuild/ledger_rows.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers beyond are garbage: a byte of the row was written over. */
#define OLD_NUMBER_MOST (INT64_C(1) << 48)

struct old_recording {
	struct str recording_sid, call_sid, account_sid, source, track, url, encryption;
	enum recording_state state; /* RECORDING_STATES: none of ours */
	int64_t upstream;           /* its rank (catalog/project_recording.c) */
	bool is_held, is_duration_off;
	int64_t started_at_ms, completed_at_ms, duration_s, channels, error_code;
	int64_t generation, generation_at_ms, size, duration_ms, channels_stored;
	struct str format, sha256, path;
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

/* The highest number that the row tells was given: of the sequence, or of attempts. */
int64_t old_row_highest(const struct ledger_row *row);
