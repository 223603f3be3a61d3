#include "chores/upstream_deletions.h"

#include "catalog/catalog_sql.h"

bool upstream_deletions_count(struct catalog *catalog, int64_t since_ms, const char *but_sid,
			      int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT COUNT(DISTINCT recording_sid) FROM upstream_deletions "
			"WHERE at_ms > $1 AND recording_sid <> $2",
			&count, err))
		return false;
	db_bind_int(count, 1, since_ms);
	db_bind_str(count, 2, str_of(but_sid ? but_sid : ""));
	if (db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool upstream_deletions_has(struct catalog *catalog, const char *recording_sid, bool *out,
			    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT 1 FROM upstream_deletions WHERE recording_sid = $1 LIMIT 1", &find,
			err))
		return false;
	db_bind_str(find, 1, str_of(recording_sid));
	step = db_step(find, err);
	*out = step == DB_ROW;
	return step != DB_FAILED;
}

bool upstream_deletions_bound(struct catalog *catalog, int64_t now_ms, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE upstream_deletions SET at_ms = $1 WHERE at_ms > $1", &update, err))
		return false;
	db_bind_int(update, 1, now_ms);
	return db_run(update, err);
}

static bool forget(struct catalog *catalog, int64_t before_ms, struct err *err)
{
	struct db_stmt *remove;

	if (!db_prepare(catalog_db(catalog), "DELETE FROM upstream_deletions WHERE at_ms < $1",
			&remove, err))
		return false;
	db_bind_int(remove, 1, before_ms);
	return db_run(remove, err);
}

bool upstream_deletions_add(struct catalog *catalog, const char *recording_sid, int64_t at_ms,
			    int64_t forget_ms, struct err *err)
{
	struct db_stmt *insert;

	if (!catalog_may_change(catalog, err) || !forget(catalog, forget_ms, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO upstream_deletions (seq, at_ms, recording_sid) "
			"VALUES ($1, $2, $3)",
			&insert, err))
		return false;
	db_bind_int(insert, 1, catalog_next_sequence(catalog));
	db_bind_int(insert, 2, at_ms);
	db_bind_str(insert, 3, str_of(recording_sid));
	return db_run(insert, err);
}

bool upstream_copy_set(struct catalog *catalog, const char *recording_sid, enum upstream_copy copy,
		       struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE recordings SET upstream_copy = $2 WHERE recording_sid = $1",
			&update, err))
		return false;
	db_bind_str(update, 1, str_of(recording_sid));
	db_bind_int(update, 2, copy);
	return db_run(update, err);
}

bool upstream_copy_need(struct catalog *catalog, const char *recording_sid, struct err *err)
{
	enum upstream_copy copy;

	return upstream_copy_find(catalog, recording_sid, &copy, err) &&
	       (copy == UPSTREAM_COPY_DELETED ||
		upstream_copy_set(catalog, recording_sid, UPSTREAM_COPY_NEEDED, err));
}

bool upstream_copy_find(struct catalog *catalog, const char *recording_sid, enum upstream_copy *out,
			struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT upstream_copy FROM recordings WHERE recording_sid = $1", &find,
			err))
		return false;
	db_bind_str(find, 1, str_of(recording_sid));
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	if (step == DB_DONE)
		return err_set(err, ERR_NOT_FOUND, "there is no recording '%s'", recording_sid);
	*out = (enum upstream_copy)db_column_int(find, 0);
	return true;
}
