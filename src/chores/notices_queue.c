#include "chores/notices_queue.h"

#include "catalog/catalog_sql.h"

/* In the order in which notice_read() takes them. */
#define NOTICE_COLUMNS                                                                             \
	"n.seq, n.type, n.at_ms, n.due_at_ms, n.tries, n.tried_at_ms, n.trying_ms, n.died_at_ms, " \
	"n.http_status, n.failure, n.generation, n.duration_ms, n.size, n.channels, n.format, "    \
	"n.reason_code, n.reason_text, "                                                           \
	"CASE WHEN r.generation = n.generation THEN r.sha256 END, r.id, r.recording_sid, "         \
	"r.call_sid, r.account_sid, r.started_at_ms, r.direction, r.state, "                       \
	"r.is_held, r.expired_seq IS NOT NULL"
#define NOTICES " FROM notices n JOIN recordings r ON r.id = n.recording_id "

#define READ_TEXT(row, column, array) text_set(array, sizeof(array), db_column_str(row, column))

static void notice_read(const struct db_stmt *row, struct notice *out)
{
	int at = 0;

	*out = (struct notice){ .seq = db_column_int(row, at++) };
	out->type = (enum notice_type)db_column_int(row, at++);
	out->at_ms = db_column_int(row, at++);
	out->due_at_ms = db_column_int(row, at++);
	out->tries = db_column_int(row, at++);
	out->tried_at_ms = db_column_int(row, at++);
	out->trying_ms = db_column_int(row, at++);
	out->died_at_ms = db_column_int(row, at++);
	out->http_status = (int)db_column_int(row, at++);
	READ_TEXT(row, at++, out->failure);
	out->generation = db_column_int(row, at++);
	out->duration_ms = db_column_int(row, at++);
	out->size = (uint64_t)db_column_int(row, at++);
	out->channels = (int)db_column_int(row, at++);
	READ_TEXT(row, at++, out->format);
	READ_TEXT(row, at++, out->reason_code);
	READ_TEXT(row, at++, out->reason_text);
	READ_TEXT(row, at++, out->sha256);
	out->recording_id = db_column_int(row, at++);
	READ_TEXT(row, at++, out->recording_sid);
	READ_TEXT(row, at++, out->call_sid);
	READ_TEXT(row, at++, out->account_sid);
	out->started_at_ms = db_column_int(row, at++);
	out->direction = (enum call_direction)db_column_int(row, at++);
	out->is_stored = db_column_int(row, at++) == RECORDING_STORED;
	out->is_held = db_column_int(row, at++) != 0;
	out->is_expired_told = db_column_int(row, at++) != 0;
}

static bool read_all(struct db_stmt *list, struct notice *out, size_t size, size_t *out_count,
		     struct err *err)
{
	enum db_step step = DB_DONE;
	size_t count = 0;

	while (count < size && (step = db_step(list, err)) == DB_ROW)
		notice_read(list, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

bool notices_due(struct catalog *catalog, int64_t now_ms, struct notice *out, size_t size,
		 size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " NOTICE_COLUMNS NOTICES
			"WHERE n.due_at_ms <= $1 AND NOT EXISTS (SELECT 1 FROM notices e "
			"WHERE e.recording_id = n.recording_id AND e.seq < n.seq "
			"AND e.due_at_ms IS NOT NULL) ORDER BY n.due_at_ms, n.seq LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, now_ms);
	db_bind_int(list, 2, (int64_t)size);
	return read_all(list, out, size, out_count, err);
}

/* The first column of the only row; NULL is 0. */
static bool read_number(struct catalog *catalog, const char *sql, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), sql, &find, err))
		return false;
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out = step == DB_ROW ? db_column_int(find, 0) : 0;
	return true;
}

bool notices_next_due(struct catalog *catalog, int64_t now_ms, int64_t *out_ms, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT MIN(due_at_ms) FROM notices WHERE due_at_ms > $1", &find, err))
		return false;
	db_bind_int(find, 1, now_ms);
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out_ms = step == DB_ROW ? db_column_int(find, 0) : 0;
	return true;
}

bool notices_list_dead(struct catalog *catalog, int64_t after_seq, struct notice *out, size_t size,
		       size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;

	if (!db_prepare(catalog_db(catalog),
			"SELECT " NOTICE_COLUMNS NOTICES
			"WHERE n.due_at_ms IS NULL AND n.seq > $1 ORDER BY n.seq LIMIT $2",
			&list, err))
		return false;
	db_bind_int(list, 1, after_seq);
	db_bind_int(list, 2, (int64_t)size);
	return read_all(list, out, size, out_count, err);
}

bool notices_count(struct catalog *catalog, struct notice_counts *out, struct err *err)
{
	return read_number(catalog,
			   "SELECT COUNT(*) FROM (SELECT 1 FROM notices "
			   "WHERE due_at_ms IS NOT NULL LIMIT 100000) AS waiting",
			   &out->waiting, err) &&
	       read_number(catalog,
			   "SELECT COUNT(*) FROM (SELECT 1 FROM notices "
			   "WHERE due_at_ms IS NULL LIMIT 100000) AS dead",
			   &out->dead, err) &&
	       read_number(catalog,
			   "SELECT at_ms FROM notices WHERE due_at_ms IS NOT NULL "
			   "ORDER BY seq LIMIT 1",
			   &out->oldest_at_ms, err);
}

/* ---- changing ---- */

bool notices_end(struct catalog *catalog, int64_t seq, struct err *err)
{
	struct db_stmt *remove;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM notices WHERE seq = $1", &remove, err))
		return false;
	db_bind_int(remove, 1, seq);
	return db_run(remove, err);
}

/* Those behind it are due no earlier, so that they do not stand at the head of the queue without having their turn. */
static bool put_off_followers(struct catalog *catalog, int64_t seq, int64_t due_at_ms,
			      struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(catalog_db(catalog),
			"UPDATE notices SET due_at_ms = $2 WHERE due_at_ms < $2 AND seq > $1 AND "
			"recording_id = (SELECT n.recording_id FROM notices n WHERE n.seq = $1)",
			&update, err))
		return false;
	db_bind_int(update, 1, seq);
	db_bind_int(update, 2, due_at_ms);
	return db_run(update, err);
}

bool notices_failed(struct catalog *catalog, const struct notice_failure *failure, bool *out_waited,
		    struct err *err)
{
	char text[NOTICE_FAILURE_SIZE];
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE notices SET due_at_ms = $2, tries = tries + 1, tried_at_ms = $3, "
			"trying_ms = $4, http_status = $5, failure = $6, died_at_ms = $7 "
			"WHERE seq = $1 AND due_at_ms IS NOT NULL",
			&update, err))
		return false;
	text_set(text, sizeof(text), str_of(failure->failure));
	db_bind_int(update, 1, failure->seq);
	bind_known(update, 2, failure->due_at_ms);
	db_bind_int(update, 3, failure->at_ms);
	db_bind_int(update, 4, failure->trying_ms);
	bind_known(update, 5, failure->http_status);
	bind_text(update, 6, text);
	bind_known(update, 7, failure->due_at_ms == 0 ? failure->at_ms : 0);
	if (!db_run_now(update, err))
		return false;
	*out_waited = db_changes(catalog_db(catalog)) > 0;
	return !*out_waited || failure->due_at_ms == 0 ||
	       put_off_followers(catalog, failure->seq, failure->due_at_ms, err);
}

/* Runs a change of three numbers, and counts the rows. */
static bool change_some(struct catalog *catalog, const char *sql, const int64_t numbers[3],
			size_t *out_count, struct err *err)
{
	struct db_stmt *change;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), sql, &change, err))
		return false;
	for (int i = 0; i < 3; i++)
		db_bind_int(change, i + 1, numbers[i]);
	if (!db_run_now(change, err))
		return false;
	*out_count = (size_t)db_changes(catalog_db(catalog));
	return true;
}

/* Of the first in the order of changes, which is nearly that of time: so it takes no longer where none is so old. */
bool notices_give_up(struct catalog *catalog, int64_t before_ms, int64_t at_ms, size_t most,
		     size_t *out_count, struct err *err)
{
	return change_some(catalog,
			   "UPDATE notices SET due_at_ms = NULL, died_at_ms = $2 WHERE seq IN "
			   "(SELECT w.seq FROM (SELECT n.seq, n.at_ms FROM notices n "
			   "WHERE n.due_at_ms IS NOT NULL ORDER BY n.seq LIMIT $3) AS w "
			   "WHERE w.at_ms < $1)",
			   (int64_t[]){ before_ms, at_ms, (int64_t)most }, out_count, err);
}

bool notices_bring_forward(struct catalog *catalog, int64_t beyond_ms, int64_t at_ms, size_t most,
			   size_t *out_count, struct err *err)
{
	return change_some(catalog,
			   "UPDATE notices SET due_at_ms = $2 WHERE seq IN (SELECT n.seq "
			   "FROM notices n WHERE n.due_at_ms > $1 ORDER BY n.due_at_ms LIMIT $3)",
			   (int64_t[]){ beyond_ms, at_ms, (int64_t)most }, out_count, err);
}

bool notices_forget_dead(struct catalog *catalog, int64_t before_ms, size_t most, size_t *out_count,
			 struct err *err)
{
	return change_some(catalog,
			   "DELETE FROM notices WHERE seq IN (SELECT d.seq FROM "
			   "(SELECT n.seq, n.died_at_ms FROM notices n WHERE n.due_at_ms IS NULL "
			   "AND n.seq > $2 ORDER BY n.seq LIMIT $3) AS d WHERE d.died_at_ms < $1)",
			   (int64_t[]){ before_ms, 0, (int64_t)most }, out_count, err);
}

static bool revive_some(struct catalog *catalog, int64_t at_ms, size_t most, size_t *out_count,
			struct err *err)
{
	return change_some(catalog,
			   "UPDATE notices SET due_at_ms = $1, died_at_ms = NULL, tries = 0, "
			   "trying_ms = 0, tried_at_ms = NULL WHERE seq IN (SELECT n.seq "
			   "FROM notices n WHERE n.due_at_ms IS NULL AND n.seq > $2 "
			   "ORDER BY n.seq LIMIT $3)",
			   (int64_t[]){ at_ms, 0, (int64_t)most }, out_count, err);
}

static bool revive_one(struct catalog *catalog, int64_t seq, int64_t at_ms, size_t *out_count,
		       struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"UPDATE notices SET due_at_ms = $2, died_at_ms = NULL, tries = 0, "
			"trying_ms = 0, tried_at_ms = NULL WHERE seq = $1 AND due_at_ms IS NULL",
			&update, err))
		return false;
	db_bind_int(update, 1, seq);
	db_bind_int(update, 2, at_ms);
	if (!db_run_now(update, err))
		return false;
	*out_count = (size_t)db_changes(catalog_db(catalog));
	return *out_count > 0 ||
	       err_set(err, ERR_NOT_FOUND, "there is no dead letter %lld", (long long)seq);
}

bool notices_revive(struct catalog *catalog, int64_t seq, int64_t at_ms, size_t most,
		    size_t *out_count, struct err *err)
{
	(void)catalog_next_sequence(
		catalog); /* a turn, which tells who sends, whichever process that is */
	return seq != 0 ? revive_one(catalog, seq, at_ms, out_count, err)
			: revive_some(catalog, at_ms, most, out_count, err);
}
