/*
 * Rows of calls and recordings: their columns, for the SQL of this room and of listing/, and how they become structs.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/recordings.h"

struct db_stmt;

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

void recording_read(const struct db_stmt *row, int first, struct recording *out);
void call_read(const struct db_stmt *row, int first, struct call *out);
