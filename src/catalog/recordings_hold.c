#include "catalog/recordings_hold.h"

#include "catalog/catalog_private.h"
#include "catalog/recordings_queue.h"

/* Its changes are those of a recording that stays in its state. */
static bool set_hold(struct catalog *catalog, struct recording_place *place, bool is_held,
		     const struct recording_hold *hold, struct err *err)
{
	char by[HOLD_BY_SIZE], reason[HOLD_REASON_SIZE];
	int64_t seq;
	struct db_stmt *update;

	if (!db_prepare(catalog->db,
			"UPDATE recordings SET is_held = $2, hold_by = $3, hold_since_ms = $4, "
			"hold_reason = $5, changed_seq = $6 WHERE id = $1",
			&update, err))
		return false;
	text_set(by, sizeof(by), hold->by);
	text_set(reason, sizeof(reason), hold->reason);
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, place->id);
	db_bind_int(update, 2, is_held);
	bind_text(update, 3, by);
	bind_known(update, 4, hold->at_ms);
	bind_text(update, 5, reason);
	db_bind_int(update, 6, seq);
	place->is_hold_changed = place->is_held != is_held;
	return db_run(update, err) && recording_moved(catalog, place, place->state, seq, NULL, err);
}

/* A claim passes over what waits for ever; nothing else would bring it back before the next start. */
static bool revive(struct catalog *catalog, struct str recording_sid, int64_t at_ms, bool *out,
		   struct err *err)
{
	*out = queue_revive(catalog, recording_sid, at_ms, err);
	return *out || err->kind == ERR_CONFLICT;
}

bool recordings_hold(struct catalog *catalog, struct str recording_sid,
		     const struct recording_hold *hold, bool *out_to_fetch, struct err *err)
{
	struct recording_place place;

	if (!recording_place_find(catalog, recording_sid, &place, err))
		return false;
	if (recording_is_removed(place.state))
		return err_set(err, ERR_CONFLICT,
			       "The recording was removed: there is nothing to hold.");
	return set_hold(catalog, &place, true, hold, err) &&
	       revive(catalog, recording_sid, hold->at_ms, out_to_fetch, err);
}

bool recordings_lift_hold(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	struct recording_place place;
	struct recording_hold none = { .at_ms = 0 };

	if (!recording_place_find(catalog, recording_sid, &place, err))
		return false;
	return !place.is_held || set_hold(catalog, &place, false, &none, err);
}
