#include "rebuild/old_rows.h"

#include "catalog/events.h"
#include "rebuild/old_numbers.h"

#include <string.h>

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
	R_REASON_CODE = 23,
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

enum fault_column {
	F_PATH,
	F_KIND,
	F_STATE,
	F_CALL_SID,
	F_RECORDING_SID,
	F_GENERATION,
	F_SEEN_AT = 7,
	F_REASON = 9,
};

/* ---- what can be ---- */

#define TIME_MOST      INT64_C(4102444800000) /* 2100 */
#define TOLD_LEAST     INT64_C(1199145600000) /* 2008: Twilio tells of nothing before */
#define SECONDS_MOST   (INT64_C(1) << 31)
#define COUNT_MOST     (INT64_C(1) << 40)
#define SMALL_MOST     INT64_C(65535)
#define CHANNELS_MOST  INT64_C(255)
#define RIGHT_ROLES    INT64_C(15)
#define KINDS_OF_EVENT EVENT_RECORDING_ADOPTED

/* 0: it cannot be. */
static int64_t bounded(int64_t number, int64_t least, int64_t most)
{
	return number >= least && number <= most ? number : 0;
}

/* Of our clock, which may have been wrong. */
static int64_t time_of(const struct ledger_row *row, size_t column)
{
	return bounded(ledger_row_int(row, column), 0, TIME_MOST);
}

static int64_t told_time_of(const struct ledger_row *row, size_t column)
{
	return bounded(ledger_row_int(row, column), TOLD_LEAST, TIME_MOST);
}

static int64_t count_of(const struct ledger_row *row, size_t column, int64_t most)
{
	return bounded(ledger_row_int(row, column), 0, most);
}

static int64_t int_or(const struct ledger_row *row, size_t column, int64_t otherwise)
{
	return column < row->count && row->cells[column].type == CELL_INT
		       ? row->cells[column].number
		       : otherwise;
}

static int64_t seconds_of(const struct ledger_row *row, size_t column)
{
	int64_t seconds = int_or(row, column, EVENT_UNKNOWN);

	return seconds >= 0 && seconds <= SECONDS_MOST ? seconds : EVENT_UNKNOWN;
}

static enum call_status status_of(const struct ledger_row *row)
{
	int64_t status = ledger_row_int(row, C_STATUS);

	return status > 0 && status <= CALL_COMPLETED &&
			       call_status_text((enum call_status)status)[0]
		       ? (enum call_status)status
		       : CALL_STATUS_UNKNOWN;
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
		.started_at_ms = told_time_of(row, R_STARTED_AT),
		.completed_at_ms = time_of(row, R_COMPLETED_AT),
		.duration_s = seconds_of(row, R_DURATION),
		.channels = count_of(row, R_CHANNELS, CHANNELS_MOST),
		.error_code = count_of(row, R_ERROR_CODE, SECONDS_MOST),
		.source = ledger_row_text(row, R_SOURCE),
		.track = ledger_row_text(row, R_TRACK),
		.url = ledger_row_text(row, R_URL),
		.encryption = ledger_row_text(row, R_ENCRYPTION),
		.generation = ledger_row_int(row, R_GENERATION),
		.generation_at_ms = time_of(row, R_GENERATION_AT),
		.size = count_of(row, R_SIZE, COUNT_MOST),
		.duration_ms = count_of(row, R_DURATION_MS, 1000 * SECONDS_MOST),
		.channels_stored = count_of(row, R_CHANNELS_STORED, CHANNELS_MOST),
		.format = ledger_row_text(row, R_FORMAT),
		.sha256 = ledger_row_text(row, R_SHA256),
		.path = ledger_row_text(row, R_PATH),
		.reason_code = ledger_row_text(row, R_REASON_CODE),
		.stored_at_ms = time_of(row, R_STORED_AT),
		.removed_at_ms = time_of(row, R_PURGED_AT),
		.hold_by = ledger_row_text(row, R_HOLD_BY),
		.hold_since_ms = time_of(row, R_HOLD_SINCE),
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
		.status = status_of(row),
		.started_at_ms = time_of(row, C_STARTED_AT),
		.ended_at_ms = time_of(row, C_ENDED_AT),
		.duration_s = seconds_of(row, C_DURATION),
		.main_id = ledger_row_int(row, C_IS_MAIN_FIXED) == 1 ? ledger_row_int(row, C_MAIN)
								     : 0,
		.recordings = ledger_row_int(row, C_RECORDINGS),
	};
}

void old_row_numbers(const struct ledger_row *row, int64_t out[OLD_ROW_NUMBERS])
{
	memset(out, 0, sizeof(int64_t[OLD_ROW_NUMBERS]));
	switch (row->table) {
	case LEDGER_RECORDINGS:
		out[0] = row->id;
		out[1] = ledger_row_int(row, R_GENERATION);
		out[2] = ledger_row_int(row, R_CHANGED_SEQ);
		break;
	case LEDGER_CALLS:
		out[0] = row->id;
		out[1] = ledger_row_int(row, C_CHANGED_SEQ);
		break;
	case LEDGER_ATTEMPTS:
	case LEDGER_TURNS:
		out[0] = row->id;
		break;
	case LEDGER_USERS:
	case LEDGER_CREDENTIALS:
	case LEDGER_AUDIT:
	case LEDGER_AUDIT_CHAINS:
		out[0] = ledger_row_int(row, 0);
		break;
	case LEDGER_EVENTS: /* numbered by themselves */
	case LEDGER_STORE_FAULTS:
	case LEDGER_UPKEEP:
	case LEDGER_TABLES:
		break;
	}
}

/* ---- rows that are put as they were ---- */

enum otherwise { DROPPED, UNKNOWN, NONE /* 0 */ };

#define HIGHEST (-1) /* as the most */

static const struct {
	enum rescue_table table;
	unsigned column;
	int64_t least, most;
	enum otherwise otherwise;
} bounds[] = {
	{ RESCUE_EVENTS, 1, 1, KINDS_OF_EVENT, DROPPED }, /* kind */
	{ RESCUE_EVENTS, 2, 1, TIME_MOST, NONE },         /* received_at_ms */
	{ RESCUE_EVENTS, 15, 0, COUNT_MOST, UNKNOWN },    /* sequence_number */
	{ RESCUE_EVENTS, 16, TOLD_LEAST, TIME_MOST, UNKNOWN },
	{ RESCUE_EVENTS, 17, TOLD_LEAST, TIME_MOST, UNKNOWN },
	{ RESCUE_EVENTS, 18, 0, SECONDS_MOST, UNKNOWN },  /* duration_s */
	{ RESCUE_EVENTS, 19, 0, CHANNELS_MOST, UNKNOWN }, /* channels */
	{ RESCUE_EVENTS, 20, 0, SECONDS_MOST, UNKNOWN },  /* error_code */
	{ RESCUE_USERS, 0, 1, HIGHEST, DROPPED },
	{ RESCUE_USERS, 1, 0, 1, DROPPED },           /* source */
	{ RESCUE_USERS, 4, 0, RIGHT_ROLES, DROPPED }, /* role */
	{ RESCUE_USERS, 6, 0, 1, DROPPED },           /* is_disabled */
	{ RESCUE_USERS, 7, 0, TIME_MOST, DROPPED },   /* made_at_ms */
	{ RESCUE_USERS, 8, 0, TIME_MOST, UNKNOWN },   /* signed_in_at_ms */
	{ RESCUE_USERS, 9, 0, HIGHEST, NONE },        /* changed_seq */
	{ RESCUE_CREDENTIALS, 0, 1, HIGHEST, DROPPED },
	{ RESCUE_CREDENTIALS, 4, 0, HIGHEST, DROPPED },       /* user_id */
	{ RESCUE_CREDENTIALS, 5, 0, HIGHEST, DROPPED },       /* parent_id */
	{ RESCUE_CREDENTIALS, 6, 0, SMALL_MOST, DROPPED },    /* rights */
	{ RESCUE_CREDENTIALS, 10, 0, HIGHEST, UNKNOWN },      /* made_by */
	{ RESCUE_CREDENTIALS, 11, 0, TIME_MOST, DROPPED },    /* made_at_ms */
	{ RESCUE_CREDENTIALS, 12, 0, TIME_MOST, UNKNOWN },    /* seen_at_ms */
	{ RESCUE_CREDENTIALS, 13, 0, TIME_MOST, DROPPED },    /* expires_at_ms */
	{ RESCUE_CREDENTIALS, 14, 0, TIME_MOST, DROPPED },    /* window_until_ms */
	{ RESCUE_CREDENTIALS, 15, 0, COUNT_MOST, DROPPED },   /* plays */
	{ RESCUE_CREDENTIALS, 16, 0, COUNT_MOST, DROPPED },   /* plays_max */
	{ RESCUE_CREDENTIALS, 17, 0, SECONDS_MOST, DROPPED }, /* options */
	{ RESCUE_CREDENTIALS, 20, 0, HIGHEST, NONE },         /* changed_seq */
	{ RESCUE_AUDIT, 0, 1, HIGHEST, DROPPED },             /* chain */
	{ RESCUE_AUDIT, 1, 1, COUNT_MOST, DROPPED },          /* seq */
	{ RESCUE_AUDIT_CHAINS, 0, 1, HIGHEST, DROPPED },
	{ RESCUE_AUDIT_CHAINS, 3, 0, COUNT_MOST, DROPPED }, /* pruned_seq */
};

bool old_values_bound(enum rescue_table table, struct rescue_value *values, size_t count,
		      int64_t highest)
{
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		struct rescue_value *value = &values[bounds[i].column];
		int64_t most = bounds[i].most == HIGHEST ? highest : bounds[i].most;

		if (bounds[i].table != table || bounds[i].column >= count ||
		    value->type != RESCUE_INT ||
		    (value->number >= bounds[i].least && value->number <= most))
			continue;
		if (bounds[i].otherwise == DROPPED)
			return false;
		*value = (struct rescue_value){ .type = bounds[i].otherwise == NONE ? RESCUE_INT
										    : RESCUE_NULL };
	}
	return true;
}

/* ---- of chores ---- */

bool old_fault_read(const struct ledger_row *row, struct store_fault *out)
{
	int64_t kind = ledger_row_int(row, F_KIND), state = ledger_row_int(row, F_STATE);

	if (kind < 0 || kind >= STORE_FAULT_KINDS || state < 0 || state >= STORE_FAULT_STATES ||
	    !store_fault_is_loss((enum store_fault_kind)kind))
		return false;
	*out = (struct store_fault){ .kind = (enum store_fault_kind)kind,
				     .state = (enum store_fault_state)state,
				     .generation = count_of(row, F_GENERATION, OLD_NUMBER_MOST),
				     .seen_at_ms = time_of(row, F_SEEN_AT) };
	str_fit(ledger_row_text(row, F_PATH), out->path, sizeof(out->path));
	str_fit(ledger_row_text(row, F_CALL_SID), out->call_sid, SID_SIZE);
	str_fit(ledger_row_text(row, F_RECORDING_SID), out->recording_sid, SID_SIZE);
	str_fit(ledger_row_text(row, F_REASON), out->reason, sizeof(out->reason));
	return true;
}

int64_t old_upkeep_at_ms(const struct ledger_row *row)
{
	return time_of(row, 1);
}

int64_t old_event_received_ms(const struct ledger_row *row)
{
	return time_of(row, 2);
}
