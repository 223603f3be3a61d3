#include "rebuild/old_rows.h"

#include "catalog/events.h"

enum recording_column {
	R_SID = 1,
	R_CALL_SID = 3,
	R_ACCOUNT_SID,
	R_STATE,
	R_UPSTREAM,
	R_IS_HELD,
	R_IS_DURATION_OFF,
	R_STARTED_AT,
	R_COMPLETED_AT,
	R_DURATION,
	R_CHANNELS,
	R_ERROR_CODE,
	R_SOURCE,
	R_TRACK,
	R_URL,
	R_ENCRYPTION,
	R_GENERATION = 25,
	R_GENERATION_AT,
	R_SIZE,
	R_DURATION_MS,
	R_CHANNELS_STORED,
	R_FORMAT,
	R_SHA256,
	R_PATH,
	R_STORED_AT,
	R_PURGED_AT,
	R_CHANGED_SEQ,
	R_HOLD_BY = 44,
	R_HOLD_SINCE,
	R_HOLD_REASON,
	R_UPSTREAM_COPY = 49,
};

enum call_column {
	C_SID = 1,
	C_PARENT,
	C_ACCOUNT_SID,
	C_STATUS,
	C_DIRECTION_TEXT = 6,
	C_FROM,
	C_TO,
	C_STARTED_AT,
	C_ENDED_AT = 11,
	C_DURATION,
	C_MAIN,
	C_IS_MAIN_FIXED,
	C_RECORDINGS = 16,
	C_CHANGED_SEQ = 17,
};

static int64_t int_or(const struct ledger_row *row, size_t column, int64_t otherwise)
{
	return column < row->count && row->cells[column].type == CELL_INT
		       ? row->cells[column].number
		       : otherwise;
}

void old_recording_read(const struct ledger_row *row, struct old_recording *out)
{
	int64_t state = ledger_row_int(row, R_STATE);

	*out = (struct old_recording){
		.recording_sid = ledger_row_text(row, R_SID),
		.call_sid = ledger_row_text(row, R_CALL_SID),
		.account_sid = ledger_row_text(row, R_ACCOUNT_SID),
		.state = state >= 0 && state < RECORDING_STATES ? (enum recording_state)state
								: RECORDING_STATES,
		.upstream = ledger_row_int(row, R_UPSTREAM),
		.is_held = ledger_row_int(row, R_IS_HELD) == 1,
		.is_duration_off = ledger_row_int(row, R_IS_DURATION_OFF) == 1,
		.started_at_ms = ledger_row_int(row, R_STARTED_AT),
		.completed_at_ms = ledger_row_int(row, R_COMPLETED_AT),
		.duration_s = int_or(row, R_DURATION, EVENT_UNKNOWN),
		.channels = ledger_row_int(row, R_CHANNELS),
		.error_code = ledger_row_int(row, R_ERROR_CODE),
		.source = ledger_row_text(row, R_SOURCE),
		.track = ledger_row_text(row, R_TRACK),
		.url = ledger_row_text(row, R_URL),
		.encryption = ledger_row_text(row, R_ENCRYPTION),
		.generation = ledger_row_int(row, R_GENERATION),
		.generation_at_ms = ledger_row_int(row, R_GENERATION_AT),
		.size = ledger_row_int(row, R_SIZE),
		.duration_ms = ledger_row_int(row, R_DURATION_MS),
		.channels_stored = ledger_row_int(row, R_CHANNELS_STORED),
		.format = ledger_row_text(row, R_FORMAT),
		.sha256 = ledger_row_text(row, R_SHA256),
		.path = ledger_row_text(row, R_PATH),
		.stored_at_ms = ledger_row_int(row, R_STORED_AT),
		.removed_at_ms = ledger_row_int(row, R_PURGED_AT),
		.hold_by = ledger_row_text(row, R_HOLD_BY),
		.hold_since_ms = ledger_row_int(row, R_HOLD_SINCE),
		.hold_reason = ledger_row_text(row, R_HOLD_REASON),
		.upstream_copy = ledger_row_int(row, R_UPSTREAM_COPY),
	};
}

void old_call_read(const struct ledger_row *row, struct old_call *out)
{
	*out = (struct old_call){
		.call_sid = ledger_row_text(row, C_SID),
		.parent_call_sid = ledger_row_text(row, C_PARENT),
		.account_sid = ledger_row_text(row, C_ACCOUNT_SID),
		.direction = ledger_row_text(row, C_DIRECTION_TEXT),
		.from = ledger_row_text(row, C_FROM),
		.to = ledger_row_text(row, C_TO),
		.status = (enum call_status)ledger_row_int(row, C_STATUS),
		.started_at_ms = ledger_row_int(row, C_STARTED_AT),
		.ended_at_ms = ledger_row_int(row, C_ENDED_AT),
		.duration_s = int_or(row, C_DURATION, EVENT_UNKNOWN),
		.main_id = ledger_row_int(row, C_IS_MAIN_FIXED) == 1 ? ledger_row_int(row, C_MAIN)
								     : 0,
		.recordings = ledger_row_int(row, C_RECORDINGS),
	};
}

static int64_t higher(int64_t a, int64_t b)
{
	return b > a && b < OLD_NUMBER_MOST ? b : a;
}

int64_t old_row_highest(const struct ledger_row *row)
{
	switch (row->table) {
	case LEDGER_RECORDINGS:
		return higher(higher(higher(0, row->id), ledger_row_int(row, R_GENERATION)),
			      ledger_row_int(row, R_CHANGED_SEQ));
	case LEDGER_CALLS:
		return higher(higher(0, row->id), ledger_row_int(row, C_CHANGED_SEQ));
	case LEDGER_ATTEMPTS:
	case LEDGER_TURNS:
		return higher(0, row->id);
	case LEDGER_USERS:
	case LEDGER_CREDENTIALS:
	case LEDGER_AUDIT:
	case LEDGER_AUDIT_CHAINS:
		return higher(0, ledger_row_int(row, 0));
	case LEDGER_EVENTS: /* numbered by themselves */
	case LEDGER_TABLES:
		break;
	}
	return 0;
}
