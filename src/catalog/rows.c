#include "catalog/rows.h"

#include "catalog/catalog_sql.h"
#include "db/db.h"

static void read_text(const struct db_stmt *row, int column, char *to, size_t size)
{
	text_set(to, size, db_column_str(row, column));
}

static int64_t read_told(const struct db_stmt *row, int column)
{
	return db_column_is_null(row, column) ? -1 : db_column_int(row, column);
}

#define READ_TEXT(row, column, array) read_text(row, column, array, sizeof(array))

void recording_read(const struct db_stmt *row, int first, struct recording *out)
{
	int at = first;

	READ_TEXT(row, at++, out->recording_sid);
	READ_TEXT(row, at++, out->call_sid);
	READ_TEXT(row, at++, out->account_sid);
	out->state = (enum recording_state)db_column_int(row, at++);
	out->is_held = db_column_int(row, at++) != 0;
	out->is_duration_off = db_column_int(row, at++) != 0;
	out->is_encrypted = db_column_int(row, at++) != 0;
	out->started_at_ms = db_column_int(row, at++);
	out->completed_at_ms = db_column_int(row, at++);
	out->duration_s = read_told(row, at++);
	out->channels = (int)db_column_int(row, at++);
	out->error_code = (int)db_column_int(row, at++);
	READ_TEXT(row, at++, out->source);
	out->channels_wanted = (int)db_column_int(row, at++);
	out->queued_at_ms = db_column_int(row, at++);
	out->next_try_at_ms = db_column_int(row, at++);
	out->first_try_at_ms = db_column_int(row, at++);
	out->tries = db_column_int(row, at++);
	READ_TEXT(row, at++, out->reason_code);
	READ_TEXT(row, at++, out->reason_text);
	out->generation = db_column_int(row, at++);
	out->generation_at_ms = db_column_int(row, at++);
	out->size = (uint64_t)db_column_int(row, at++);
	out->duration_ms = db_column_int(row, at++);
	out->channels_stored = (int)db_column_int(row, at++);
	READ_TEXT(row, at++, out->format);
	READ_TEXT(row, at++, out->sha256);
	READ_TEXT(row, at++, out->path);
	out->stored_at_ms = db_column_int(row, at++);
	out->changed_seq = db_column_int(row, at++);
	out->limited = db_column_int(row, at++);
	out->trying_ms = db_column_int(row, at++);
	out->waiting_since_ms = db_column_int(row, at++);
	out->wait_rule = (enum recording_wait_rule)db_column_int(row, at++);
	out->rank = (enum recording_rank)db_column_int(row, at++);
	READ_TEXT(row, at++, out->request_id);
	out->waveform = (enum recording_waveform)db_column_int(row, at++);
	out->removed_at_ms = db_column_int(row, at++);
	READ_TEXT(row, at++, out->hold_by);
	out->hold_since_ms = db_column_int(row, at++);
	READ_TEXT(row, at++, out->hold_reason);
	out->live = (enum recording_live)db_column_int(row, at++);
	out->way = (enum retention_way)db_column_int(row, at++);
}

void call_read(const struct db_stmt *row, int first, struct call *out)
{
	int at = first;

	out->id = db_column_int(row, at++);
	READ_TEXT(row, at++, out->call_sid);
	READ_TEXT(row, at++, out->parent_call_sid);
	READ_TEXT(row, at++, out->account_sid);
	out->status = (enum call_status)db_column_int(row, at++);
	out->direction = (enum call_direction)db_column_int(row, at++);
	READ_TEXT(row, at++, out->direction_text);
	READ_TEXT(row, at++, out->from);
	READ_TEXT(row, at++, out->to);
	out->started_at_ms = db_column_int(row, at++);
	out->ended_at_ms = db_column_int(row, at++);
	out->duration_s = read_told(row, at++);
	READ_TEXT(row, at++, out->main_recording_sid);
	out->is_main_fixed = db_column_int(row, at++) != 0;
	out->group = (enum recording_group)(db_column_int(row, at) & ~GROUP_HELD);
	out->is_main_held = db_column_int(row, at++) & GROUP_HELD;
	out->recordings = db_column_int(row, at++);
	out->changed_seq = db_column_int(row, at++);
	out->main_started_at_ms = db_column_int(row, at++);
}
