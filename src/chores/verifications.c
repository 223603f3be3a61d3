#include "chores/verifications.h"

#include "catalog/catalog_sql.h"
#include "chores/row_columns.h"

#include <string.h>

#define COLUMNS                                                                                      \
	"pass, asked_at_ms, began_at_ms, completed_at_ms, mends, after_id, last_id, folder, files, " \
	"bytes, undigested, failure"

/* In the order of COLUMNS, behind the pass. */
static const struct row_column columns[] = {
	NUMBER_COLUMN(struct verification, asked_at_ms),
	NUMBER_COLUMN(struct verification, began_at_ms),
	NUMBER_COLUMN(struct verification, completed_at_ms),
	TRUTH_COLUMN(struct verification, mends),
	NUMBER_COLUMN(struct verification, after_id),
	NUMBER_COLUMN(struct verification, last_id),
	NUMBER_COLUMN(struct verification, folder),
	NUMBER_COLUMN(struct verification, files),
	NUMBER_COLUMN(struct verification, bytes),
	NUMBER_COLUMN(struct verification, undigested),
	TEXT_COLUMN(struct verification, failure),
};

bool verifications_find(struct catalog *catalog, enum verification_pass pass,
			struct verification *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " COLUMNS " FROM verifications WHERE pass = $1", &find, err))
		return false;
	db_bind_int(find, 1, pass);
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out = (struct verification){ .began_at_ms = 0 };
	if (step == DB_ROW)
		row_read(find, 1, columns, ARRAY_LEN(columns), out);
	return true;
}

bool verifications_set(struct catalog *catalog, enum verification_pass pass,
		       const struct verification *row, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO verifications (" COLUMNS ") "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
			"ON CONFLICT (pass) DO UPDATE SET asked_at_ms = $2, began_at_ms = $3, "
			"completed_at_ms = $4, mends = $5, after_id = $6, last_id = $7, "
			"folder = $8, files = $9, bytes = $10, undigested = $11, failure = $12",
			&stmt, err))
		return false;
	db_bind_int(stmt, 1, pass);
	row_bind(stmt, 2, columns, ARRAY_LEN(columns), row);
	return db_run(stmt, err);
}

bool verifications_last_id(struct catalog *catalog, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog_db(catalog), "SELECT MAX(id) FROM recordings", &find, err) ||
	    db_step(find, err) == DB_FAILED)
		return false;
	*out = db_column_int(find, 0);
	return true;
}

/* ---- faults ---- */

const char *store_fault_kind_text(enum store_fault_kind kind)
{
	static const char *const texts[STORE_FAULT_KINDS] = {
		[STORE_FAULT_MISSING] = "missing", [STORE_FAULT_SIZE] = "size",
		[STORE_FAULT_BYTES] = "bytes",     [STORE_FAULT_UNREADABLE] = "unreadable",
		[STORE_FAULT_UNKNOWN] = "unknown", [STORE_FAULT_OLD] = "old",
		[STORE_FAULT_FOREIGN] = "foreign",
	};

	return kind < STORE_FAULT_KINDS ? texts[kind] : "";
}

bool store_fault_is_loss(enum store_fault_kind kind)
{
	return kind <= STORE_FAULT_UNREADABLE;
}

const char *store_fault_state_text(enum store_fault_state state)
{
	static const char *const texts[STORE_FAULT_STATES] = {
		[STORE_FAULT_OPEN] = "open",         [STORE_FAULT_MENDING] = "mending",
		[STORE_FAULT_MENDED] = "mended",     [STORE_FAULT_STAYS] = "stays",
		[STORE_FAULT_ACCEPTED] = "accepted",
	};

	return state < STORE_FAULT_STATES ? texts[state] : "";
}

bool store_faults_add(struct catalog *catalog, const struct store_fault *fault, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO store_faults (path, kind, state, call_sid, recording_sid, "
			"generation, found_at_ms, seen_at_ms, ended_at_ms, reason) "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0, $8) "
			"ON CONFLICT (path) DO UPDATE SET kind = $2, seen_at_ms = $7, reason = $8, "
			"state = CASE WHEN $3 = $9 AND store_faults.state <> $10 "
			"THEN store_faults.state ELSE $3 END, ended_at_ms = 0",
			&stmt, err))
		return false;
	db_bind_str(stmt, 1, str_of(fault->path));
	db_bind_int(stmt, 2, fault->kind);
	db_bind_int(stmt, 3, fault->state);
	bind_text(stmt, 4, fault->call_sid);
	bind_text(stmt, 5, fault->recording_sid);
	db_bind_int(stmt, 6, fault->generation);
	db_bind_int(stmt, 7, fault->seen_at_ms);
	db_bind_str(stmt, 8, str_of(fault->reason));
	db_bind_int(stmt, 9, STORE_FAULT_OPEN);
	db_bind_int(stmt, 10, STORE_FAULT_MENDED);
	return db_run(stmt, err);
}

bool store_faults_set_state(struct catalog *catalog, const char *path, enum store_fault_state state,
			    const char *reason, int64_t at_ms, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE store_faults SET state = $2, ended_at_ms = $3, "
			"reason = COALESCE($4, reason) WHERE path = $1",
			&stmt, err))
		return false;
	db_bind_str(stmt, 1, str_of(path));
	db_bind_int(stmt, 2, state);
	db_bind_int(stmt, 3, state == STORE_FAULT_MENDED ? at_ms : 0);
	if (reason)
		db_bind_str(stmt, 4, str_first(str_of(reason), VERIFICATION_TEXT_SIZE - 1));
	else
		db_bind_null(stmt, 4);
	return db_run(stmt, err);
}

bool store_faults_end_unseen(struct catalog *catalog, int64_t before_ms, int64_t at_ms,
			     struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE store_faults SET state = $1, ended_at_ms = $2 "
			"WHERE state = $3 AND kind >= $4 AND seen_at_ms < $5",
			&stmt, err))
		return false;
	db_bind_int(stmt, 1, STORE_FAULT_MENDED);
	db_bind_int(stmt, 2, at_ms);
	db_bind_int(stmt, 3, STORE_FAULT_OPEN);
	db_bind_int(stmt, 4, STORE_FAULT_UNKNOWN);
	db_bind_int(stmt, 5, before_ms);
	return db_run(stmt, err);
}

bool store_faults_forget(struct catalog *catalog, int64_t before_ms, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"DELETE FROM store_faults WHERE state = $1 AND ended_at_ms < $2", &stmt,
			err))
		return false;
	db_bind_int(stmt, 1, STORE_FAULT_MENDED);
	db_bind_int(stmt, 2, before_ms);
	return db_run(stmt, err);
}

bool store_faults_drop(struct catalog *catalog, const char *path, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM store_faults WHERE path = $1", &stmt,
			err))
		return false;
	db_bind_str(stmt, 1, str_of(path));
	return db_run(stmt, err);
}

bool store_faults_accept(struct catalog *catalog, int64_t *out_count, struct err *err)
{
	struct db_stmt *stmt;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "UPDATE store_faults SET state = $1 WHERE state = $2",
			&stmt, err))
		return false;
	db_bind_int(stmt, 1, STORE_FAULT_ACCEPTED);
	db_bind_int(stmt, 2, STORE_FAULT_STAYS);
	if (!db_run_now(stmt, err))
		return false;
	*out_count = db_changes(catalog_db(catalog));
	return true;
}

#define FAULT_COLUMNS                                                                       \
	"path, kind, state, call_sid, recording_sid, generation, found_at_ms, seen_at_ms, " \
	"ended_at_ms, reason"

static void fault_read(const struct db_stmt *row, struct store_fault *out)
{
	text_set(out->path, sizeof(out->path), db_column_str(row, 0));
	out->kind = (enum store_fault_kind)db_column_int(row, 1);
	out->state = (enum store_fault_state)db_column_int(row, 2);
	text_set(out->call_sid, SID_SIZE, db_column_str(row, 3));
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 4));
	out->generation = db_column_int(row, 5);
	out->found_at_ms = db_column_int(row, 6);
	out->seen_at_ms = db_column_int(row, 7);
	out->ended_at_ms = db_column_int(row, 8);
	text_set(out->reason, sizeof(out->reason), db_column_str(row, 9));
}

static bool read_faults(struct db_stmt *list, struct store_fault *out, size_t size,
			size_t *out_count, struct err *err)
{
	enum db_step step = DB_DONE;
	size_t count = 0;

	while (count < size && (step = db_step(list, err)) == DB_ROW)
		fault_read(list, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool store_faults_list(struct catalog *catalog, enum store_fault_state state, const char *after,
		       struct store_fault *out, size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " FAULT_COLUMNS " FROM store_faults "
			"WHERE state = $1 AND path > $2 ORDER BY path LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, state);
	db_bind_str(list, 2, str_of(after));
	db_bind_int(list, 3, (int64_t)size);
	return read_faults(list, out, size, out_count, err);
}

bool store_faults_list_since(struct catalog *catalog, int64_t since_ms, const char *after,
			     struct store_fault *out, size_t size, size_t *out_count,
			     struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " FAULT_COLUMNS " FROM store_faults "
			"WHERE (seen_at_ms >= $1 OR (state <> $4 AND state <> $5)) AND path > $2 "
			"ORDER BY path LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, since_ms);
	db_bind_str(list, 2, str_of(after));
	db_bind_int(list, 3, (int64_t)size);
	db_bind_int(list, 4, STORE_FAULT_MENDED);
	db_bind_int(list, 5, STORE_FAULT_ACCEPTED);
	return read_faults(list, out, size, out_count, err);
}

bool store_faults_find(struct catalog *catalog, const char *path, struct store_fault *out,
		       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	size_t count;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " FAULT_COLUMNS " FROM store_faults WHERE path = $1", &find, err))
		return false;
	db_bind_str(find, 1, str_of(path));
	if (!read_faults(find, out, 1, &count, err))
		return false;
	return count == 1 || err_set(err, ERR_NOT_FOUND, "no fault of '%s' is known", path);
}

bool store_faults_count(struct catalog *catalog, struct store_fault_counts *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	struct store_fault_counts counts = { .of = { { 0 } } };
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT state, kind, COUNT(*) FROM store_faults GROUP BY state, kind",
			&list, err))
		return false;
	while ((step = db_step(list, err)) == DB_ROW) {
		int64_t state = db_column_int(list, 0), kind = db_column_int(list, 1);

		if (state >= 0 && state < STORE_FAULT_STATES && kind >= 0 &&
		    kind < STORE_FAULT_KINDS)
			counts.of[state][kind] = db_column_int(list, 2);
	}
	if (step == DB_FAILED)
		return false;
	*out = counts;
	return true;
}

/* ---- a file of the store ---- */

/* Without its ending: a waveform lies beside its media under the same name. */
static struct str stem_of(struct str path)
{
	size_t len = path.len;

	while (len > 0 && path.at[len - 1] != '.')
		len--;
	return str_first(path, len);
}

bool store_file_find(struct catalog *catalog, struct str recording_sid, const char *path,
		     int64_t since_ms, enum store_file *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	/*
	 * An attempt that is open may be about to name it; one that has just ended may have left it, its waveform at least, to be
	 * removed.  Of what is removed its row in removals says so.
	 */
	if (!db_prepare(catalog_db(catalog),
			"SELECT path, state, "
			"EXISTS (SELECT 1 FROM attempts a WHERE a.recording_id = r.id "
			"	AND (a.ended_at_ms IS NULL OR a.ended_at_ms >= $2)), "
			"EXISTS (SELECT 1 FROM removals m WHERE m.recording_id = r.id) "
			"FROM recordings r WHERE recording_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	db_bind_int(find, 2, since_ms);
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	if (step == DB_DONE) {
		*out = STORE_FILE_UNKNOWN;
		return true;
	}

	int64_t state = db_column_int(find, 1);
	bool is_removed = recording_is_removed((enum recording_state)state);

	if (!is_removed && str_eq(stem_of(db_column_str(find, 0)), stem_of(str_of(path))))
		*out = STORE_FILE_NAMED;
	else if (db_column_int(find, 2) != 0 || db_column_int(find, 3) != 0 ||
		 state == RECORDING_QUEUED || state == RECORDING_WAITING)
		*out = STORE_FILE_BUSY;
	else
		*out = STORE_FILE_OLD;
	return true;
}
