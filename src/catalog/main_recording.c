/*
 * A call's address must never change its meaning once somebody may have heard it.
 * So its main recording is fixed when the first `completed` event of any of its
 * recordings is applied, or when one is stored without such an event (adopted from
 * another system), whichever comes first; nothing changes it after that.
 *
 * Until then the call shows the recording that is most likely to become it, chosen
 * anew with each change: one that may still come before one that never will, then
 * the one that began first.
 */
#include "catalog/main_recording.h"

#include "catalog/catalog_private.h"

/* $1 to $3 of the statements below. */
static void bind_touched(struct db_stmt *update, const struct recording_place *place,
			 int64_t changed_seq)
{
	db_bind_int(update, 1, place->call_id);
	db_bind_int(update, 2, changed_seq);
	db_bind_int(update, 3, place->is_new_to_call);
}

/* The call's row says so: the recording is counted, and this is the main one. */
static void note(struct recording_place *place, int64_t main_id, bool is_fixed)
{
	place->main_recording_id = main_id;
	place->is_main_fixed = is_fixed;
	place->call_recordings += place->is_new_to_call;
	place->is_new_to_call = false;
}

static bool touch_call(struct catalog *catalog, struct recording_place *place, int64_t changed_seq,
		       struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog->db,
			"UPDATE calls SET changed_seq = $2, recordings = recordings + $3 "
			"WHERE id = $1",
			&update, err))
		return false;
	bind_touched(update, place, changed_seq);
	note(place, place->main_recording_id, true);
	return db_run(update, err);
}

static bool set_main(struct catalog *catalog, struct recording_place *place, int64_t main_id,
		     int main_group, bool is_fixed, int64_t changed_seq, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog->db,
			"UPDATE calls SET main_recording_id = $4, recording_group = $5, "
			"is_main_fixed = $6, changed_seq = $2, recordings = recordings + $3 "
			"WHERE id = $1",
			&update, err))
		return false;
	bind_touched(update, place, changed_seq);
	db_bind_int(update, 4, main_id);
	db_bind_int(update, 5, main_group);
	db_bind_int(update, 6, is_fixed);
	note(place, main_id, is_fixed);
	return db_run(update, err);
}

static bool is_held_now(const struct recording_place *place)
{
	return place->is_held != place->is_hold_changed;
}

static bool choose_among(struct catalog *catalog, struct recording_place *place,
			 int64_t changed_seq, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *best = NULL;
	int64_t id;
	int group;

	/* The numbers are RECORDING_ANNOUNCED, QUEUED and WAITING: it may still come. */
	if (!db_prepare(catalog->db,
			"SELECT id, state, is_held FROM recordings WHERE call_id = $1 "
			"ORDER BY CASE WHEN state IN (0, 1, 2) THEN 0 ELSE 1 END, "
			"COALESCE(started_at_ms, 0), recording_sid LIMIT 1",
			&best, err))
		return false;
	db_bind_int(best, 1, place->call_id);
	switch (db_step(best, err)) {
	case DB_ROW:
		id = db_column_int(best, 0);
		group = group_code((enum recording_state)db_column_int(best, 1),
				   db_column_int(best, 2) != 0);
		return set_main(catalog, place, id, group, false, changed_seq, err);
	case DB_DONE:
		return err_set(err, ERR_INTERNAL, "a call's recording is not in the ledger");
	case DB_FAILED:
		break;
	}
	return false;
}

/* Most calls have one, and then nothing is asked. */
static bool choose_main(struct catalog *catalog, struct recording_place *place,
			enum recording_state to, int64_t changed_seq, struct err *err)
{
	if (place->call_recordings + place->is_new_to_call > 1)
		return choose_among(catalog, place, changed_seq, err);
	return set_main(catalog, place, place->id, group_code(to, is_held_now(place)), false,
			changed_seq, err);
}

/* The main one is fixed, and this may be it: only then the call's group goes with it. */
static bool follow_main(struct catalog *catalog, struct recording_place *place,
			enum recording_state to, int64_t changed_seq, struct err *err)
{
	int group = group_code(to, is_held_now(place));

	/* Most changes stay within their group; then no index of calls is written. */
	if (place->id != place->main_recording_id || place->state == RECORDING_STATES ||
	    group_code(place->state, place->is_held) == group)
		return touch_call(catalog, place, changed_seq, err);
	return set_main(catalog, place, place->id, group, true, changed_seq, err);
}

bool recording_moved(struct catalog *catalog, struct recording_place *place,
		     enum recording_state to, int64_t changed_seq, bool *out_is_main,
		     struct err *err)
{
	bool fixes = !place->is_main_fixed && (place->is_completed || to == RECORDING_STORED);

	if (place->state != RECORDING_STATES)
		number_add(catalog, NUMBER_RECORDINGS + place->state, -1);
	if (place->state == RECORDING_STORED && to != RECORDING_STORED)
		number_add(catalog, NUMBER_BYTES_STORED, -(int64_t)place->size);
	number_add(catalog, NUMBER_RECORDINGS + to, 1);
	if (catalog->notifies && !notice_of_move(catalog, place, to, changed_seq, err))
		return false;

	if (!place->call_id)
		return true;
	if (fixes) {
		if (!set_main(catalog, place, place->id, group_code(to, is_held_now(place)), true,
			      changed_seq, err))
			return false;
		if (out_is_main)
			*out_is_main = true;
		return true;
	}
	if (!place->is_main_fixed)
		return choose_main(catalog, place, to, changed_seq, err);
	return follow_main(catalog, place, to, changed_seq, err);
}
