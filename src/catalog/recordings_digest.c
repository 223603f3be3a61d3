#include "catalog/recordings_digest.h"

#include "catalog/catalog_private.h"

#define DIGEST_LEN (sizeof(((struct recording *)NULL)->sha256) - 1)

bool recordings_undigested(struct catalog *catalog, int64_t after_seq,
			   struct recording_undigested *out, size_t size, size_t *out_count,
			   struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	/* The first two conditions are the index's; the rest leaves out what is being repaired, or purged. */
	if (!db_prepare(catalog->db,
			"SELECT changed_seq, recording_sid, call_sid, generation, path "
			"FROM recordings WHERE sha256 IS NULL AND stored_at_ms IS NOT NULL "
			"AND changed_seq > $1 AND state = $2 ORDER BY changed_seq LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, after_seq);
	db_bind_int(list, 2, RECORDING_STORED);
	db_bind_int(list, 3, (int64_t)size);
	while ((step = db_step(list, err)) == DB_ROW && count < size) {
		struct recording_undigested *one = &out[count++];

		one->changed_seq = db_column_int(list, 0);
		text_set(one->recording_sid, SID_SIZE, db_column_str(list, 1));
		text_set(one->call_sid, SID_SIZE, db_column_str(list, 2));
		one->generation = db_column_int(list, 3);
		text_set(one->path, sizeof(one->path), db_column_str(list, 4));
	}
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool recordings_set_digest(struct catalog *catalog, struct str recording_sid, int64_t generation,
			   const char *sha256, struct err *err)
{
	struct db_stmt *update;

	if (str_of(sha256).len != DIGEST_LEN)
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
	if (!db_run(update, err))
		return false;
	return db_changes(catalog->db) > 0 ||
	       err_set(err, ERR_CONFLICT, "recording '%.*s' is not stored in generation %lld",
		       STR_ARG(recording_sid), (long long)generation);
}
