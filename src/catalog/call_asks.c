#include "catalog/call_asks.h"

#include "catalog/catalog_private.h"

#define ASKS \
	"SELECT call_sid, account_sid, started_at_ms, ask_at_ms FROM calls WHERE ask_at_ms > 0 "

static bool find_one(struct catalog *catalog, const char *sql, struct call_ask *out,
		     bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db, sql, &find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out_found = step == DB_ROW;
	if (step == DB_DONE)
		return true;
	text_set(out->call_sid, SID_SIZE, db_column_str(find, 0));
	text_set(out->account_sid, SID_SIZE, db_column_str(find, 1));
	out->started_at_ms = db_column_int(find, 2);
	out->at_ms = db_column_int(find, 3);
	return true;
}

bool call_asks_next(struct catalog *catalog, struct call_ask *out, bool *out_found, struct err *err)
{
	return find_one(catalog, ASKS "ORDER BY ask_at_ms, id LIMIT 1", out, out_found, err);
}

bool call_asks_last(struct catalog *catalog, struct call_ask *out, bool *out_found, struct err *err)
{
	return find_one(catalog, ASKS "ORDER BY ask_at_ms DESC, id DESC LIMIT 1", out, out_found,
			err);
}

bool call_asks_set(struct catalog *catalog, struct str call_sid, int64_t at_ms, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db, "UPDATE calls SET ask_at_ms = $2 WHERE call_sid = $1", &update,
			err))
		return false;
	db_bind_str(update, 1, call_sid);
	db_bind_int(update, 2, at_ms);
	return db_run(update, err);
}
