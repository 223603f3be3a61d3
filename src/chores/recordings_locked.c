#include "chores/recordings_locked.h"

#include "catalog/catalog_sql.h"

/* As the index recordings_locked has it. */
#define LOCKED \
	"state = 5 AND encryption IS NOT NULL AND reason_code IN ('key_missing', 'key_wrong')"
_Static_assert(RECORDING_DEAD == 5, "the texts say so");

static void locked_read(const struct db_stmt *row, struct recording_locked *out)
{
	out->changed_seq = db_column_int(row, 0);
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 1));
	text_set(out->call_sid, SID_SIZE, db_column_str(row, 2));
	text_set(out->reason_text, sizeof(out->reason_text), db_column_str(row, 3));
	text_set(out->encryption, sizeof(out->encryption), db_column_str(row, 4));
}

bool recordings_list_locked(struct catalog *catalog, int64_t after_seq,
			    struct recording_locked *out, size_t size, size_t *out_count,
			    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(catalog_db(catalog),
			"SELECT changed_seq, recording_sid, call_sid, reason_text, encryption "
			"FROM recordings WHERE " LOCKED " AND changed_seq > $1 "
			"ORDER BY changed_seq LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, after_seq);
	db_bind_int(list, 2, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW)
		locked_read(list, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool recordings_count_locked(struct catalog *catalog, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(catalog_db(catalog), "SELECT COUNT(*) FROM recordings WHERE " LOCKED,
			&count, err))
		return false;
	if (db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool recordings_set_encryption(struct catalog *catalog, struct str recording_sid,
			       struct str encryption, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE recordings SET encryption = $2, changed_seq = $3 "
			"WHERE recording_sid = $1",
			&update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_str(update, 2, encryption);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	if (!db_run_now(update, err))
		return false;
	return db_changes(catalog_db(catalog)) > 0 ||
	       err_set(err, ERR_NOT_FOUND, "no recording '%.*s' in the ledger",
		       STR_ARG(recording_sid));
}
