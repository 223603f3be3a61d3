#include "catalog/notices.h"

#include "base/clock.h"
#include "catalog/catalog_private.h"

#define WITHOUT_MEDIA (BIT(RECORDING_DEAD) | BIT(RECORDING_ABSENT) | BIT(RECORDING_GONE))

void catalog_notify(struct catalog *catalog, bool notifies)
{
	catalog->notifies = notifies;
}

/*
 * What the row may say otherwise by the time that it is told is copied.  It is not due before an earlier one of the same
 * recording, so that what waits for that one does not stand at the head of the queue.
 */
bool notice_add(struct catalog *catalog, int64_t recording_id, enum notice_type type, int64_t seq,
		struct err *err)
{
	int64_t now_ms = clock_wall_ms();
	struct db_stmt *insert;

	if (!db_prepare(
		    catalog->db,
		    "INSERT INTO notices (seq, recording_id, type, at_ms, due_at_ms, tries, trying_ms, "
		    "generation, size, duration_ms, channels, format, reason_code, reason_text) "
		    "SELECT $1, r.id, $3, $4, COALESCE((SELECT MAX(n.due_at_ms) FROM notices n "
		    "WHERE n.recording_id = r.id AND n.due_at_ms > $5), $5), 0, 0, r.generation, "
		    "r.size, r.duration_ms, r.channels_stored, r.format, r.reason_code, r.reason_text "
		    "FROM recordings r WHERE r.id = $2",
		    &insert, err))
		return false;
	db_bind_int(insert, 1, seq);
	db_bind_int(insert, 2, recording_id);
	db_bind_int(insert, 3, type);
	db_bind_int(insert, 4, now_ms);
	db_bind_int(insert, 5, type == NOTICE_STORED ? now_ms + NOTICE_DIGEST_WAIT_MS : now_ms);
	return db_run(insert, err);
}

bool notice_of_move(struct catalog *catalog, const struct recording_place *place,
		    enum recording_state to, int64_t seq, struct err *err)
{
	unsigned from = place->state == RECORDING_STATES ? 0 : BIT(place->state);
	enum notice_type type;

	if (to == RECORDING_STORED && from != BIT(RECORDING_STORED))
		type = NOTICE_STORED;
	else if (to == RECORDING_STORED && place->is_hold_changed && place->is_held)
		type = NOTICE_LOOK;
	else if ((WITHOUT_MEDIA & BIT(to)) && !(WITHOUT_MEDIA & from))
		type = NOTICE_FAILED;
	else if (to == RECORDING_PURGED && from != BIT(RECORDING_PURGED))
		type = NOTICE_PURGED;
	else if (to == RECORDING_DELETED && from != BIT(RECORDING_DELETED))
		type = NOTICE_DELETED;
	else
		return true;
	return notice_add(catalog, place->id, type, seq, err);
}

bool notice_has_digest(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(
		    catalog->db,
		    "UPDATE notices SET due_at_ms = at_ms WHERE tries = 0 AND due_at_ms > at_ms AND type = $2 AND "
		    "recording_id = (SELECT id FROM recordings WHERE recording_sid = $1)",
		    &update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_int(update, 2, NOTICE_STORED);
	return db_run(update, err);
}
