#include "chores/notices_expired.h"

#include "catalog/catalog_sql.h"
#include "catalog/notices.h"
#include "catalog/recordings.h"

/* That of the index recordings_by_age, word for word. */
#define IS_AGING "stored_at_ms IS NOT NULL AND purged_at_ms IS NULL AND is_held = 0"

bool notify_state_find(struct catalog *catalog, struct notify_state *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT since_ms, expired_until_ms, rules FROM notify_state WHERE id = 1",
			&find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out = (struct notify_state){ .since_ms = 0 };
	if (step == DB_DONE)
		return true;
	out->since_ms = db_column_int(find, 0);
	out->expired_until_ms = db_column_int(find, 1);
	text_set(out->rules, sizeof(out->rules), db_column_str(find, 2));
	return true;
}

bool notify_state_set(struct catalog *catalog, const struct notify_state *state, struct err *err)
{
	struct db_stmt *change;

	if (!catalog_may_change(catalog, err))
		return false;
	if (state->since_ms == 0)
		return db_prepare(catalog_db(catalog), "DELETE FROM notify_state WHERE id = 1",
				  &change, err) &&
		       db_run(change, err);
	if (!db_prepare(catalog_db(catalog),
			"INSERT INTO notify_state (id, since_ms, expired_until_ms, rules) "
			"VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE SET since_ms = $1, "
			"expired_until_ms = $2, rules = $3",
			&change, err))
		return false;
	db_bind_int(change, 1, state->since_ms);
	db_bind_int(change, 2, state->expired_until_ms);
	db_bind_str(change, 3, str_of(state->rules));
	return db_run(change, err);
}

/* The first of the rows that `find` is bound to. */
static bool take_class(struct db_stmt *find, struct expiry_class *class, bool *out_found,
		       struct err *err)
{
	enum db_step step = db_step(find, err);

	*out_found = step == DB_ROW;
	if (step != DB_ROW)
		return step == DB_DONE;
	text_set(class->account_sid, SID_SIZE, db_column_str(find, 0));
	class->direction = db_column_int(find, 1);
	class->upstream_copy = db_column_int(find, 2);
	return true;
}

#define CLASSES                                                                                      \
	"SELECT COALESCE(account_sid, ''), direction, upstream_copy FROM recordings WHERE " IS_AGING \
	" AND COALESCE(account_sid, '')"

/* Three leaps and no walk: a comparison of all three at once would go through every row of the account. */
bool expiry_class_next(struct catalog *catalog, struct expiry_class *class, bool *out_found,
		       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *copy = NULL;
	AUTO(db_stmt_reset) struct db_stmt *direction = NULL;
	AUTO(db_stmt_reset) struct db_stmt *account = NULL;
	struct expiry_class from = *class;

	if (!db_prepare(catalog_db(catalog),
			CLASSES " = $1 AND direction = $2 AND upstream_copy > $3 "
				"ORDER BY upstream_copy LIMIT 1",
			&copy, err) ||
	    !db_prepare(catalog_db(catalog),
			CLASSES
			" = $1 AND direction > $2 ORDER BY direction, upstream_copy LIMIT 1",
			&direction, err) ||
	    !db_prepare(catalog_db(catalog),
			CLASSES " > $1 ORDER BY COALESCE(account_sid, ''), direction, "
				"upstream_copy LIMIT 1",
			&account, err))
		return false;
	db_bind_str(copy, 1, str_of(from.account_sid));
	db_bind_int(copy, 2, from.direction);
	db_bind_int(copy, 3, from.upstream_copy);
	if (!take_class(copy, class, out_found, err) || *out_found)
		return *out_found;
	db_bind_str(direction, 1, str_of(from.account_sid));
	db_bind_int(direction, 2, from.direction);
	if (!take_class(direction, class, out_found, err) || *out_found)
		return *out_found;
	db_bind_str(account, 1, str_of(from.account_sid));
	return take_class(account, class, out_found, err);
}

bool expiries_list(struct catalog *catalog, const struct expiry_class *class,
		   const struct expiry *after, int64_t before_ms, struct expiry *out, size_t size,
		   size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	if (!db_prepare(catalog_db(catalog),
			"SELECT id, started_at_ms FROM recordings WHERE " IS_AGING
			" AND COALESCE(account_sid, '') = $1 AND direction = $2 "
			"AND upstream_copy = $3 AND started_at_ms >= $4 AND started_at_ms < $6 "
			"AND (started_at_ms, id) > ($4, $5) AND state = $7 AND expired_seq IS NULL "
			"ORDER BY started_at_ms, id LIMIT $8",
			&list, err))
		return false;
	db_bind_str(list, 1, str_of(class->account_sid));
	db_bind_int(list, 2, class->direction);
	db_bind_int(list, 3, class->upstream_copy);
	db_bind_int(list, 4, after->started_at_ms);
	db_bind_int(list, 5, after->recording_id);
	db_bind_int(list, 6, before_ms);
	db_bind_int(list, 7, RECORDING_STORED);
	db_bind_int(list, 8, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW) {
		out[count].recording_id = db_column_int(list, 0);
		out[count++].started_at_ms = db_column_int(list, 1);
	}
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool expiries_note(struct catalog *catalog, int64_t recording_id, bool *out_is_new, struct err *err)
{
	struct db_stmt *update;
	int64_t seq;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE recordings SET expired_seq = $2 WHERE id = $1 AND state = $3 "
			"AND is_held = 0 AND expired_seq IS NULL",
			&update, err))
		return false;
	seq = catalog_next_sequence(catalog);
	db_bind_int(update, 1, recording_id);
	db_bind_int(update, 2, seq);
	db_bind_int(update, 3, RECORDING_STORED);
	if (!db_run_now(update, err))
		return false;
	*out_is_new = db_changes(catalog_db(catalog)) > 0;
	return !*out_is_new || notice_add(catalog, recording_id, NOTICE_EXPIRED, seq, err);
}
