#include "chores/rescue.h"

#include "catalog/catalog_sql.h"

static const struct {
	const char *sql;
	int columns;
} tables[RESCUE_TABLES] = {
	[RESCUE_EVENTS] = { "INSERT INTO events (seq, kind, received_at_ms, account_sid, call_sid, "
			    "parent_call_sid, recording_sid, status, direction, from_address, "
			    "to_address, source, track, recording_url, encryption, "
			    "sequence_number, started_at_ms, timestamp_ms, duration_s, channels, "
			    "error_code, idempotency, raw, request_id) VALUES ($1, $2, $3, $4, $5, "
			    "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
			    "$20, $21, $22, $23, $24) ON CONFLICT DO NOTHING",
			    24 },
	[RESCUE_USERS] = { "INSERT INTO users (id, source, name, full_name, role, password_hash, "
			   "is_disabled, made_at_ms, signed_in_at_ms, changed_seq) VALUES ($1, $2, "
			   "$3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
			   10 },
	[RESCUE_CREDENTIALS] = { "INSERT INTO credentials (id, kind, name, hash, user_id, "
				 "parent_id, rights, recording_sid, note, for_user, made_by, "
				 "made_at_ms, seen_at_ms, expires_at_ms, window_until_ms, plays, "
				 "plays_max, options, network, agent, changed_seq) VALUES ($1, $2, "
				 "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
				 "$17, $18, $19, $20, $21) ON CONFLICT DO NOTHING",
				 21 },
	[RESCUE_AUDIT] = { "INSERT INTO audit (chain, seq, at_ms, kind, user_id, user_name, "
			   "credential, for_user, recording_sid, network, address, address_mac, "
			   "body, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
			   "$13, $14) ON CONFLICT DO NOTHING",
			   14 },
	[RESCUE_AUDIT_CHAINS] = { "INSERT INTO audit_chains (chain, key_id, began_at_ms, "
				  "pruned_seq, pruned_mac) VALUES ($1, $2, $3, $4, $5) "
				  "ON CONFLICT DO NOTHING",
				  5 },
};

size_t rescue_columns(enum rescue_table table)
{
	return (size_t)tables[table].columns;
}

static void bind_value(struct db_stmt *insert, int n, const struct rescue_value *value)
{
	switch (value->type) {
	case RESCUE_NULL:
		db_bind_null(insert, n);
		break;
	case RESCUE_INT:
		db_bind_int(insert, n, value->number);
		break;
	case RESCUE_TEXT:
		db_bind_str(insert, n, value->bytes);
		break;
	case RESCUE_BYTES:
		db_bind_bytes(insert, n, value->bytes);
		break;
	}
}

bool rescue_put(struct catalog *catalog, enum rescue_table table, int64_t id,
		const struct rescue_value *values, size_t count, bool *out_taken, struct err *err)
{
	struct db_stmt *insert;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), tables[table].sql, &insert, err))
		return false;
	for (int n = 1; n <= tables[table].columns; n++) {
		if ((size_t)n <= count)
			bind_value(insert, n, &values[n - 1]);
		else
			db_bind_null(insert, n);
	}
	if (table == RESCUE_EVENTS)
		db_bind_int(insert, 1, id);
	if (!db_run_now(insert, err))
		return false;
	*out_taken = db_changes(catalog_db(catalog)) > 0;
	return true;
}

bool rescue_main(struct catalog *catalog, struct str call_sid, struct str recording_sid,
		 struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE calls SET is_main_fixed = 1, changed_seq = $3, main_recording_id = "
			"(SELECT r.id FROM recordings r WHERE r.recording_sid = $2) "
			"WHERE call_sid = $1 AND EXISTS (SELECT 1 FROM recordings r "
			"	WHERE r.recording_sid = $2 AND r.call_id = calls.id "
			"	AND r.id <> COALESCE(calls.main_recording_id, 0))",
			&update, err))
		return false;
	db_bind_str(update, 1, call_sid);
	db_bind_str(update, 2, recording_sid);
	db_bind_int(update, 3, catalog_next_sequence(catalog));
	return db_run(update, err);
}

bool rescue_leap(struct catalog *catalog, int64_t highest, struct err *err)
{
	/* One for what was given after the highest that can still be read. */
	for (int64_t leaps = highest / CATALOG_LEAP + 2; leaps > 0; leaps--)
		if (!catalog_leap(catalog, err))
			return false;
	return true;
}

bool rescue_examine(const char *path, char *out_why, size_t size, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;
	struct db_stmt *check;

	*out_why = '\0';
	if (!db_open(path, DB_READ, &db, err) ||
	    !db_prepare(db, "SELECT integrity_check FROM pragma_integrity_check(1)", &check, err) ||
	    db_step(check, err) != DB_ROW) {
		/* A lock or a descriptor that is missing says nothing of the ledger. */
		if (err->kind == ERR_UNAVAILABLE || err->kind == ERR_SCARCE)
			return false;
		text_set(out_why, size, str_of(err->text));
		return true;
	}
	if (!str_eq(db_column_str(check, 0), STR("ok")))
		text_set(out_why, size, db_column_str(check, 0));
	db_stmt_reset(check);
	return true;
}
