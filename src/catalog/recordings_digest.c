#include "catalog/recordings_digest.h"

#include "catalog/catalog_private.h"

bool recordings_set_digest(struct catalog *catalog, struct str recording_sid, int64_t generation,
			   const char *sha256, struct err *err)
{
	const struct foreseen *foreseen = foreseen_find(catalog, recording_sid);
	bool is_known = foreseen && !foreseen->is_changed &&
			foreseen->place.state == RECORDING_STORED &&
			foreseen->generation == generation;
	struct db_stmt *update;

	if (str_of(sha256).len != RECORDING_DIGEST_LEN)
		return err_set(err, ERR_INVALID, "a SHA-256 in hexadecimal has 64 digits");
	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE recordings SET sha256 = $3, changed_seq = $4 "
			"WHERE recording_sid = $1 AND generation = $2 AND state = $5",
			&update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_int(update, 2, generation);
	db_bind_str(update, 3, str_of(sha256));
	db_bind_int(update, 4, catalog_next_sequence(catalog));
	db_bind_int(update, 5, RECORDING_STORED);
	if (!(is_known ? db_run : db_run_now)(update, err))
		return false;
	if (is_known || db_changes(catalog->db) > 0)
		return !catalog->notifies || notice_has_digest(catalog, recording_sid, err);
	return err_set(err, ERR_CONFLICT, "recording '%.*s' is not stored in generation %lld",
		       STR_ARG(recording_sid), (long long)generation);
}
