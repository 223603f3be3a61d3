/*
 * The changes of a recording that its flights and people cause.  (What Twilio tells
 * comes through events: project_recording.c.)
 *
 * Each checks the state it starts from against `may_become`, changes the row, and
 * lets recording_moved() carry the change to counters and call.  A change that the
 * state forbids is ERR_CONFLICT and not a crash: a person's click and a flight's end
 * may meet in the mailbox.
 */
#include "catalog/recordings.h"

#include "catalog/catalog_private.h"
#include "catalog/recordings_queue.h"
#include "catalog/recordings_waveform.h"

/* From which states (bits) each may be entered. */
static const unsigned may_become[RECORDING_STATES] = {
	[RECORDING_QUEUED] = BIT(RECORDING_QUEUED) | BIT(RECORDING_WAITING) |
			     BIT(RECORDING_STORED) | BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD) |
			     BIT(RECORDING_GONE),
	[RECORDING_WAITING] = BIT(RECORDING_QUEUED) | BIT(RECORDING_WAITING) |
			      BIT(RECORDING_STORED),
	[RECORDING_STORED] = BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_QUEUED) |
			     BIT(RECORDING_WAITING) | BIT(RECORDING_STORED) |
			     BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD) | BIT(RECORDING_GONE),
	[RECORDING_ABSENT] = BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_QUEUED) |
			     BIT(RECORDING_WAITING),
	[RECORDING_DEAD] = BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_QUEUED) |
			   BIT(RECORDING_WAITING),
	[RECORDING_GONE] = BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_QUEUED) |
			   BIT(RECORDING_WAITING) | BIT(RECORDING_DEAD),
	[RECORDING_PURGED] = BIT(RECORDING_QUEUED) | BIT(RECORDING_WAITING) |
			     BIT(RECORDING_STORED) | BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD) |
			     BIT(RECORDING_GONE),
	[RECORDING_DELETED] = BIT(RECORDING_ANNOUNCED) | BIT(RECORDING_QUEUED) |
			      BIT(RECORDING_WAITING) | BIT(RECORDING_STORED) |
			      BIT(RECORDING_ABSENT) | BIT(RECORDING_DEAD) | BIT(RECORDING_GONE),
};

/* Who asks is about to change it. */
static bool take_foreseen(struct catalog *catalog, struct str recording_sid,
			  struct recording_place *out)
{
	struct foreseen *foreseen = foreseen_find(catalog, recording_sid);

	if (!foreseen || foreseen->is_changed)
		return false;
	*out = foreseen->place;
	foreseen->is_changed = true;
	return true;
}

bool recording_place_find(struct catalog *catalog, struct str recording_sid,
			  struct recording_place *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (take_foreseen(catalog, recording_sid, out))
		return true;
	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"SELECT r.id, r.call_id, r.state, r.size, r.is_held, c.is_main_fixed, "
			"c.main_recording_id, c.recordings "
			"FROM recordings r LEFT JOIN calls c ON c.id = r.call_id "
			"WHERE r.recording_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		*out = (struct recording_place){
			.id = db_column_int(find, 0),
			.call_id = db_column_int(find, 1),
			.state = (enum recording_state)db_column_int(find, 2),
			.size = (uint64_t)db_column_int(find, 3),
			.is_held = db_column_int(find, 4) != 0,
			.is_main_fixed = db_column_int(find, 5) != 0,
			.main_recording_id = db_column_int(find, 6),
			.call_recordings = db_column_int(find, 7),
		};
		return true;
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no recording '%.*s' in the ledger",
			       STR_ARG(recording_sid));
	case DB_FAILED:
		break;
	}
	return false;
}

bool recording_place_find_for(struct catalog *catalog, struct str recording_sid,
			      enum recording_state to, struct recording_place *out, struct err *err)
{
	if (!recording_place_find(catalog, recording_sid, out, err))
		return false;
	if (!(may_become[to] & BIT(out->state)))
		return err_set(err, ERR_CONFLICT, "recording '%.*s' is %s: it cannot become %s",
			       STR_ARG(recording_sid), recording_state_text(out->state),
			       recording_state_text(to));
	return true;
}

/* A reason is cut to what a struct recording can show. */
static void bind_reason(struct db_stmt *stmt, int n, char *cut, size_t size, const char *text)
{
	text_set(cut, size, str_of(text));
	bind_text(stmt, n, cut);
}

bool recordings_mark_waiting(struct catalog *catalog, struct str recording_sid,
			     const struct recording_wait *wait, struct err *err)
{
	struct recording_place place;
	char code[RECORDING_REASON_SIZE], text[RECORDING_TEXT_SIZE];
	int64_t seq;
	struct db_stmt *update;

	if (!recording_place_find_for(catalog, recording_sid, RECORDING_WAITING, &place, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET state = $2, next_try_at_ms = $3, "
			"queued_at_ms = COALESCE(queued_at_ms, $4), reason_code = $5, "
			"reason_text = $6, tries = tries + $7, changed_seq = $8, "
			"limited = CASE WHEN $9 = 1 THEN limited + 1 ELSE 0 END, trying_ms = $10, "
			"waiting_since_ms = $4, wait_rule = $11 WHERE id = $1",
			&update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, RECORDING_WAITING);
	db_bind_int(update, 3, wait->next_try_at_ms);
	db_bind_int(update, 4, wait->at_ms);
	bind_reason(update, 5, code, sizeof(code), wait->reason_code);
	bind_reason(update, 6, text, sizeof(text), wait->reason_text);
	db_bind_int(update, 7, wait->is_counted);
	db_bind_int(update, 8, seq);
	db_bind_int(update, 9, wait->is_limited);
	db_bind_int(update, 10, wait->trying_ms);
	db_bind_int(update, 11, wait->rule);
	return db_run(update, err) &&
	       recording_moved(catalog, &place, RECORDING_WAITING, seq, NULL, err);
}

bool recordings_mark_expired(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	struct recording_place place;
	int64_t seq;
	struct db_stmt *update;

	if (!recording_place_find_for(catalog, recording_sid, RECORDING_WAITING, &place, err))
		return false;
	if (place.state == RECORDING_STORED)
		return err_set(err, ERR_CONFLICT, "recording '%.*s' is stored",
			       STR_ARG(recording_sid));
	if (!db_prepare(
		    catalog->db,
		    "UPDATE recordings SET state = $2, next_try_at_ms = $3, queued_at_ms = NULL, "
		    "reason_code = $4, reason_text = $5, changed_seq = $6 WHERE id = $1",
		    &update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, RECORDING_WAITING);
	db_bind_int(update, 3, RECORDING_NEVER);
	db_bind_str(update, 4, STR("recording_expired"));
	db_bind_str(update, 5, STR("The recording is older than recordings are kept."));
	db_bind_int(update, 6, seq);
	return db_run(update, err) &&
	       recording_moved(catalog, &place, RECORDING_WAITING, seq, NULL, err);
}

static bool check_media(const struct recording_media *media, struct err *err)
{
	if (str_of(media->path).len >= RECORDING_PATH_SIZE || !str_of(media->path).len)
		return err_set(err, ERR_INVALID, "the path in the store has no or too many bytes");
	if (str_of(media->format).len >= sizeof(((struct recording *)NULL)->format))
		return err_set(err, ERR_INVALID, "no such format: '%s'", media->format);
	if (media->sha256 && *media->sha256 && str_of(media->sha256).len != RECORDING_DIGEST_LEN)
		return err_set(err, ERR_INVALID, "a SHA-256 in hexadecimal has 64 digits");
	return true;
}

static void bind_media(struct db_stmt *update, const struct recording_media *media)
{
	bind_known(update, 3, media->generation);
	bind_known(update, 4, media->generation_at_ms);
	db_bind_int(update, 5, (int64_t)media->size);
	db_bind_int(update, 6, media->duration_ms);
	db_bind_int(update, 7, media->channels);
	db_bind_int(update, 8, media->is_duration_off);
	bind_text(update, 9, media->format);
	bind_text(update, 10, media->path);
	db_bind_int(update, 11, media->stored_at_ms);
}

bool recordings_mark_stored(struct catalog *catalog, struct str recording_sid,
			    const struct recording_media *media, struct err *err)
{
	struct recording_place place;
	int64_t seq;
	struct db_stmt *update;

	if (!check_media(media, err) ||
	    !recording_place_find_for(catalog, recording_sid, RECORDING_STORED, &place, err) ||
	    !db_prepare(
		    catalog->db,
		    "UPDATE recordings SET state = $2, generation = $3, generation_at_ms = $4, "
		    "size = $5, duration_ms = $6, channels_stored = $7, is_duration_off = $8, "
		    "format = $9, path = $10, stored_at_ms = $11, sha256 = $14, waveform = 0, "
		    "queued_at_ms = NULL, next_try_at_ms = NULL, reason_code = NULL, "
		    "reason_text = NULL, changed_seq = $12, "
		    "recheck_at_ms = COALESCE(recheck_at_ms, $13), "
		    "upstream_copy = CASE WHEN upstream_copy = 2 THEN 2 ELSE 0 END WHERE id = $1",
		    &update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, RECORDING_STORED);
	bind_media(update, media);
	db_bind_int(update, 12, seq);
	bind_known(update, 13, media->recheck_at_ms);
	bind_text(update, 14, media->sha256);
	if (!db_run(update, err))
		return false;
	if (place.state == RECORDING_STORED) /* repaired: it takes the place of what was there */
		number_add(catalog, NUMBER_BYTES_STORED, -(int64_t)place.size);
	number_add(catalog, NUMBER_BYTES_STORED, (int64_t)media->size);
	if (place.state == RECORDING_STORED && catalog->notifies &&
	    !notice_add(catalog, place.id, NOTICE_STORED, seq, err))
		return false;
	return recording_moved(catalog, &place, RECORDING_STORED, seq, NULL, err) &&
	       (!catalog->notifies || !media->sha256 || !*media->sha256 ||
		notice_has_digest(catalog, recording_sid, err));
}

/* ABSENT, DEAD, GONE: nothing will come, and this is why. */
static bool mark_ended(struct catalog *catalog, struct str recording_sid, enum recording_state to,
		       int error_code, const char *reason_code, const char *reason_text,
		       struct err *err)
{
	struct recording_place place;
	char code[RECORDING_REASON_SIZE], text[RECORDING_TEXT_SIZE];
	int64_t seq;
	struct db_stmt *update;

	if (!recording_place_find_for(catalog, recording_sid, to, &place, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET state = $2, error_code = COALESCE($3, error_code), "
			"reason_code = $4, reason_text = $5, queued_at_ms = NULL, "
			"next_try_at_ms = NULL, changed_seq = $6 WHERE id = $1",
			&update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, to);
	bind_known(update, 3, error_code);
	bind_reason(update, 4, code, sizeof(code), reason_code);
	bind_reason(update, 5, text, sizeof(text), reason_text);
	db_bind_int(update, 6, seq);
	return db_run(update, err) && recording_moved(catalog, &place, to, seq, NULL, err);
}

bool recordings_mark_absent(struct catalog *catalog, struct str recording_sid, int error_code,
			    const char *reason_text, struct err *err)
{
	return mark_ended(catalog, recording_sid, RECORDING_ABSENT, error_code,
			  recording_absent_code(error_code), reason_text, err);
}

bool recordings_mark_dead(struct catalog *catalog, struct str recording_sid,
			  const char *reason_code, const char *reason_text, struct err *err)
{
	return mark_ended(catalog, recording_sid, RECORDING_DEAD, 0, reason_code, reason_text, err);
}

bool recordings_mark_gone(struct catalog *catalog, struct str recording_sid,
			  const char *reason_text, struct err *err)
{
	return mark_ended(catalog, recording_sid, RECORDING_GONE, 0, "recording_deleted",
			  reason_text, err);
}

/* A new round, due at once; reason_code may be NULL. */
static bool begin_round(struct catalog *catalog, struct recording_place *place, int64_t at_ms,
			const char *reason_code, const char *reason_text, struct err *err)
{
	char code[RECORDING_REASON_SIZE], text[RECORDING_TEXT_SIZE];
	int64_t seq;
	struct db_stmt *update;

	if (!db_prepare(
		    catalog->db,
		    "UPDATE recordings SET state = $2, queued_at_ms = $3, next_try_at_ms = $3, "
		    "first_try_at_ms = NULL, tries = 0, limited = 0, trying_ms = 0, "
		    "waiting_since_ms = NULL, wait_rule = 0, queue_rank = 0, request_id = NULL, "
		    "reason_code = $4, reason_text = $5, changed_seq = $6 WHERE id = $1",
		    &update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place->id);
	db_bind_int(update, 2, RECORDING_QUEUED);
	db_bind_int(update, 3, at_ms);
	bind_reason(update, 4, code, sizeof(code), reason_code);
	bind_reason(update, 5, text, sizeof(text), reason_text);
	db_bind_int(update, 6, seq);
	return db_run(update, err) &&
	       recording_moved(catalog, place, RECORDING_QUEUED, seq, NULL, err);
}

/* Nothing that readers or loops keep changes by it; the end of an attempt that is under way sees it. */
static bool forget_first_try(struct catalog *catalog, const struct recording_place *place,
			     struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog->db, "UPDATE recordings SET first_try_at_ms = NULL WHERE id = $1",
			&update, err))
		return false;
	db_bind_int(update, 1, place->id);
	return db_run(update, err);
}

bool recordings_requeue(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			struct err *err)
{
	struct recording_place place;

	if (!recording_place_find_for(catalog, recording_sid, RECORDING_QUEUED, &place, err))
		return false;
	return place.state == RECORDING_QUEUED
		       ? forget_first_try(catalog, &place, err)
		       : begin_round(catalog, &place, at_ms, NULL, NULL, err);
}

bool recordings_was_requeued(struct catalog *catalog, struct str recording_sid, bool *out,
			     struct err *err)
{
	const struct foreseen *foreseen = foreseen_find(catalog, recording_sid);
	struct recording now;

	if (foreseen && !foreseen->is_changed) {
		now.state = foreseen->place.state;
		now.first_try_at_ms = foreseen->first_try_at_ms;
	} else if (!recordings_find(catalog, recording_sid, &now, err)) {
		return false;
	}
	*out = now.state == RECORDING_QUEUED && now.first_try_at_ms == 0;
	return true;
}

/* Is what was seen stored still what is stored? */
static bool is_still_stored(struct catalog *catalog, struct str recording_sid, int64_t generation,
			    struct err *err)
{
	const struct foreseen *foreseen = foreseen_find(catalog, recording_sid);
	struct recording now;

	if (foreseen && !foreseen->is_changed) {
		now.state = foreseen->place.state;
		now.generation = foreseen->generation;
	} else if (!recordings_find(catalog, recording_sid, &now, err)) {
		return false;
	}
	return (now.state == RECORDING_STORED && now.generation == generation) ||
	       err_set(err, ERR_CONFLICT, "recording '%.*s' is not what it was",
		       STR_ARG(recording_sid));
}

/* A stored file is of no use any more: a new round, unless it is not the one that was seen. */
static bool fetch_anew(struct catalog *catalog, const struct recording *seen, int64_t at_ms,
		       const char *reason_code, const char *reason_text, struct err *err)
{
	struct str recording_sid = str_of(seen->recording_sid);
	struct recording_place place;

	return is_still_stored(catalog, recording_sid, seen->generation, err) &&
	       recording_place_find_for(catalog, recording_sid, RECORDING_QUEUED, &place, err) &&
	       begin_round(catalog, &place, at_ms, reason_code, reason_text, err);
}

bool recordings_mark_lost(struct catalog *catalog, const struct recording *seen, int64_t at_ms,
			  const char *reason_text, struct err *err)
{
	return fetch_anew(catalog, seen, at_ms, "lost", reason_text, err);
}

bool recordings_mark_replaced(struct catalog *catalog, const struct recording *seen, int64_t at_ms,
			      struct err *err)
{
	return fetch_anew(catalog, seen, at_ms, "other_bytes",
			  "Twilio has other bytes by now; it is fetched again.", err);
}

/* One number of the row, with no change of its state. */
static bool set_number(struct catalog *catalog, struct str recording_sid, const char *sql,
		       int64_t value, struct err *err)
{
	struct recording_place place;
	int64_t seq;
	struct db_stmt *update;

	if (!recording_place_find(catalog, recording_sid, &place, err) ||
	    !db_prepare(catalog->db, sql, &update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, value);
	db_bind_int(update, 3, seq);
	return db_run(update, err) && recording_moved(catalog, &place, place.state, seq, NULL, err);
}

bool recordings_want_channels(struct catalog *catalog, struct str recording_sid, int channels,
			      struct err *err)
{
	return set_number(catalog, recording_sid,
			  "UPDATE recordings SET channels_wanted = $2, changed_seq = $3 "
			  "WHERE id = $1",
			  channels, err);
}

bool recordings_set_waveform(struct catalog *catalog, struct str recording_sid, int64_t generation,
			     enum recording_waveform waveform, struct err *err)
{
	return is_still_stored(catalog, recording_sid, generation, err) &&
	       set_number(catalog, recording_sid,
			  "UPDATE recordings SET waveform = $2, changed_seq = $3 WHERE id = $1",
			  waveform, err);
}

/* Nothing that readers or loops keep changes by it. */
bool recordings_set_request(struct catalog *catalog, struct str recording_sid,
			    struct str request_id, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET request_id = $2 WHERE recording_sid = $1", &update,
			err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_str(update, 2, request_id);
	return db_run(update, err);
}

bool queue_revive(struct catalog *catalog, struct str recording_sid, int64_t at_ms, struct err *err)
{
	struct recording_place place;
	struct recording now;
	int64_t seq;
	struct db_stmt *update;

	if (!recordings_find(catalog, recording_sid, &now, err))
		return false;
	if (now.state != RECORDING_WAITING || now.next_try_at_ms != RECORDING_NEVER)
		return err_set(err, ERR_CONFLICT, "recording '%.*s' has not expired",
			       STR_ARG(recording_sid));
	if (!recording_place_find_for(catalog, recording_sid, RECORDING_QUEUED, &place, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET state = $2, queued_at_ms = $3, next_try_at_ms = $3, "
			"queue_rank = $4, waiting_since_ms = NULL, wait_rule = 0, "
			"reason_code = NULL, reason_text = NULL, changed_seq = $5 WHERE id = $1",
			&update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place.id);
	db_bind_int(update, 2, RECORDING_QUEUED);
	db_bind_int(update, 3, at_ms);
	db_bind_int(update, 4, RECORDING_RANK_BACKFILL);
	db_bind_int(update, 5, seq);
	return db_run(update, err) &&
	       recording_moved(catalog, &place, RECORDING_QUEUED, seq, NULL, err);
}
