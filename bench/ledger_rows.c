#include "ledger_rows.h"

#include "catalog/catalog_private.h"
#include "numbers/numbers_index.h"

/* What the projection has as ranks of its own: a call status callback's start, and Twilio's states. */
#define RANK_CALL_STATUS 2

static int upstream_of(enum recording_state state)
{
	switch (state) {
	case RECORDING_STORED:
	case RECORDING_PURGED:
	case RECORDING_DELETED:
		return 3;
	case RECORDING_ABSENT:
		return 2;
	case RECORDING_DEAD:
		return 1;
	case RECORDING_GONE:
		return 4;
	case RECORDING_ANNOUNCED:
	case RECORDING_QUEUED:
	case RECORDING_WAITING:
	case RECORDING_STATES:
		break;
	}
	return 0;
}

static bool add_call(struct catalog *catalog, const struct planned_call *planned,
		     int64_t main_recording_id, struct err *err)
{
	const struct call *call = &planned->call;
	struct numbers_of_call numbers = { .from = str_of(call->from),
					   .to = str_of(call->to),
					   .started_at_ms = call->started_at_ms,
					   .call_id = call->id };
	struct db_stmt *insert;

	if (!db_prepare(catalog->db,
			"INSERT INTO calls (id, call_sid, account_sid, status, direction, "
			"direction_text, from_address, to_address, started_at_ms, started_rank, "
			"ended_at_ms, duration_s, main_recording_id, is_main_fixed, "
			"recording_group, recordings, changed_seq) VALUES ($1, $2, $3, $4, $5, "
			"$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
			&insert, err))
		return false;
	db_bind_int(insert, 1, call->id);
	bind_text(insert, 2, call->call_sid);
	bind_text(insert, 3, call->account_sid);
	db_bind_int(insert, 4, call->status);
	db_bind_int(insert, 5, call->direction);
	bind_text(insert, 6, call->direction_text);
	bind_text(insert, 7, call->from);
	bind_text(insert, 8, call->to);
	db_bind_int(insert, 9, call->started_at_ms);
	db_bind_int(insert, 10, RANK_CALL_STATUS);
	bind_known(insert, 11, call->ended_at_ms);
	db_bind_int(insert, 12, call->duration_s);
	bind_known(insert, 13, main_recording_id);
	db_bind_int(insert, 14, call->is_main_fixed);
	db_bind_int(insert, 15, call->group);
	db_bind_int(insert, 16, call->recordings);
	db_bind_int(insert, 17, call->changed_seq);
	number_add(catalog, NUMBER_CALLS, 1);
	return db_run(insert, err) && numbers_index_add(catalog->db, &numbers, NULL, err);
}

/* $10 and on */
static void bind_media(struct db_stmt *insert, const struct recording *recording)
{
	bind_known(insert, 10, recording->generation);
	bind_known(insert, 11, recording->generation_at_ms);
	bind_known(insert, 12, (int64_t)recording->size);
	bind_known(insert, 13, recording->duration_ms);
	bind_known(insert, 14, recording->channels_stored);
	bind_text(insert, 15, recording->format);
	bind_text(insert, 16, recording->sha256);
	bind_text(insert, 17, recording->path);
	bind_known(insert, 18, recording->stored_at_ms);
	/* The moment is not in struct recording: ledger_told.c purges at the same. */
	bind_known(insert, 19,
		   recording->state == RECORDING_PURGED ? recording->stored_at_ms + 1000 : 0);
}

static bool add_recording(struct catalog *catalog, int64_t id, const struct call *call,
			  const struct recording *recording, struct err *err)
{
	struct db_stmt *insert;
	char url[PLAN_URL_SIZE];

	if (!db_prepare(
		    catalog->db,
		    "INSERT INTO recordings (id, recording_sid, call_id, call_sid, account_sid, "
		    "state, upstream, started_at_ms, completed_at_ms, duration_s, generation, "
		    "generation_at_ms, size, duration_ms, channels_stored, format, sha256, "
		    "path, stored_at_ms, purged_at_ms, channels, error_code, source, url, "
		    "reason_code, reason_text, changed_seq, is_held, is_duration_off, "
		    "channels_wanted, tries, waveform, direction) VALUES ($29, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
		    "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, "
		    "$25, $26, 0, $27, $28, 0, $30, $31)",
		    &insert, err))
		return false;
	plan_url(recording, url);
	bind_text(insert, 1, recording->recording_sid);
	db_bind_int(insert, 2, call->id);
	bind_text(insert, 3, recording->call_sid);
	bind_text(insert, 4, recording->account_sid);
	db_bind_int(insert, 5, recording->state);
	db_bind_int(insert, 6, upstream_of(recording->state));
	bind_known(insert, 7, recording->started_at_ms);
	bind_known(insert, 8, recording->completed_at_ms);
	db_bind_int(insert, 9, recording->duration_s);
	bind_media(insert, recording);
	bind_known(insert, 20, recording->channels);
	bind_known(insert, 21, recording->error_code);
	bind_text(insert, 22, recording->source);
	bind_text(insert, 23, url);
	bind_text(insert, 24, recording->reason_code);
	bind_text(insert, 25, recording->reason_text);
	db_bind_int(insert, 26, recording->changed_seq);
	db_bind_int(insert, 27, recording->is_duration_off);
	db_bind_int(insert, 28, recording->channels_wanted);
	db_bind_int(insert, 29, id);
	db_bind_int(insert, 30, recording->waveform);
	db_bind_int(insert, 31, call->direction);
	number_add(catalog, NUMBER_RECORDINGS + recording->state, 1);
	if (recording->state == RECORDING_STORED)
		number_add(catalog, NUMBER_BYTES_STORED, (int64_t)recording->size);
	return db_run(insert, err);
}

bool ledger_rows_add(struct catalog *catalog, const struct planned_call *planned, struct err *err)
{
	int64_t main_id = planned->recording_count > 0 ? planned->recording_ids[0] : 0;
	int64_t last_seq = planned->call.changed_seq;

	if (!catalog_may_change(catalog, err))
		return false;
	for (int64_t i = 0; i < planned->recording_count; i++) {
		if (!add_recording(catalog, planned->recording_ids[i], &planned->call,
				   &planned->recordings[i], err))
			return false;
		last_seq = planned->recordings[i].changed_seq;
	}
	number_add(catalog, NUMBER_SEQUENCE,
		   last_seq - catalog->numbers[NUMBER_SEQUENCE] - catalog->added[NUMBER_SEQUENCE]);
	return add_call(catalog, planned, main_id, err);
}
