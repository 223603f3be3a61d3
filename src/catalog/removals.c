#include "catalog/removals.h"

#include "catalog/catalog_private.h"

static bool add_removal(struct catalog *catalog, int64_t recording_id, int64_t seq, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(catalog->db,
			"INSERT INTO removals (seq, recording_id, recording_sid, call_sid) "
			"SELECT $1, id, recording_sid, call_sid FROM recordings WHERE id = $2",
			&insert, err))
		return false;
	db_bind_int(insert, 1, seq);
	db_bind_int(insert, 2, recording_id);
	return db_run(insert, err);
}

/* reason_text NULL: none */
static bool mark_removed(struct catalog *catalog, struct str recording_sid, enum recording_state to,
			 int64_t at_ms, const char *reason_text, struct err *err)
{
	struct recording_place place;
	int64_t seq;
	struct db_stmt *update;

	if (!recording_place_find_for(catalog, recording_sid, to, &place, err))
		return false;
	if (place.is_held)
		return err_set(err, ERR_CONFLICT, "The recording is held: end the hold first.");
	if (!db_prepare(
		    catalog->db,
		    "UPDATE recordings SET state = $2, purged_at_ms = $3, path = NULL, "
		    "queued_at_ms = NULL, next_try_at_ms = NULL, waiting_since_ms = NULL, "
		    "recheck_at_ms = CASE WHEN recheck_at_ms > 0 THEN 0 ELSE recheck_at_ms END, reason_code = $4, reason_text = $5, changed_seq = $6 "
		    "WHERE id = $1",
		    &update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, to);
	db_bind_int(update, 3, at_ms);
	bind_text(update, 4, "recording_deleted");
	bind_text(update, 5, reason_text);
	db_bind_int(update, 6, seq);
	return db_run(update, err) && recording_moved(catalog, &place, to, seq, NULL, err) &&
	       add_removal(catalog, place.id, seq, err);
}

bool recordings_mark_purged(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			    struct err *err)
{
	return mark_removed(catalog, recording_sid, RECORDING_PURGED, at_ms,
			    "The recording was removed after its time.", err);
}

bool recordings_mark_deleted(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			     struct err *err)
{
	return mark_removed(catalog, recording_sid, RECORDING_DELETED, at_ms,
			    "The recording was deleted.", err);
}

bool removals_list(struct catalog *catalog, int64_t after_seq, struct removal *out, size_t size,
		   size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog->db,
			"SELECT seq, recording_sid, call_sid, EXISTS (SELECT 1 FROM recordings r "
			"WHERE r.id = removals.recording_id AND r.stored_at_ms IS NOT NULL) "
			"FROM removals WHERE seq > $1 ORDER BY seq LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, after_seq);
	db_bind_int(list, 2, (int64_t)size);
	while ((step = db_step(list, err)) == DB_ROW && count < size) {
		struct removal *one = &out[count++];

		one->seq = db_column_int(list, 0);
		text_set(one->recording_sid, SID_SIZE, db_column_str(list, 1));
		text_set(one->call_sid, SID_SIZE, db_column_str(list, 2));
		one->was_stored = db_column_int(list, 3) != 0;
	}
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool removals_end(struct catalog *catalog, int64_t seq, struct err *err)
{
	struct db_stmt *remove;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog->db,
		    "DELETE FROM removals WHERE seq = $1 AND NOT EXISTS (SELECT 1 FROM attempts a "
		    "WHERE a.recording_id = removals.recording_id AND a.ended_at_ms IS NULL)",
		    &remove, err))
		return false;
	db_bind_int(remove, 1, seq);
	if (!db_run_now(remove, err))
		return false;
	return db_changes(catalog->db) > 0 ||
	       err_set(err, ERR_CONFLICT, "the recording's attempt is not over");
}
