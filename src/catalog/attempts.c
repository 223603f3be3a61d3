#include "catalog/attempts.h"

#include "catalog/catalog_private.h"

/* The file is begun anew: the recording takes its number and time. */
static bool begin_generation(struct catalog *catalog, int64_t recording_id, int64_t generation,
			     int64_t at_ms, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(
		    catalog->db,
		    "UPDATE recordings SET generation = $2, generation_at_ms = $3 WHERE id = $1",
		    &update, err))
		return false;
	db_bind_int(update, 1, recording_id);
	db_bind_int(update, 2, generation);
	db_bind_int(update, 3, at_ms);
	return db_run(update, err);
}

/* Its ETag is made of the generation: a file that is served keeps it. */
static bool is_stored(struct str recording_sid, struct err *err)
{
	return err_set(err, ERR_CONFLICT, "recording '%.*s' is stored", STR_ARG(recording_sid));
}

static bool begin_round(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			int64_t *out_recording_id, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *update = NULL;
	const struct foreseen *foreseen = foreseen_find(catalog, recording_sid);

	if (!db_prepare(catalog->db,
			"UPDATE recordings SET first_try_at_ms = COALESCE(first_try_at_ms, $2) "
			"WHERE recording_sid = $1 RETURNING id, state",
			&update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_int(update, 2, at_ms);
	if (foreseen && !foreseen->is_changed) {
		*out_recording_id = foreseen->place.id;
		return foreseen->place.state == RECORDING_STORED ? is_stored(recording_sid, err)
								 : db_run(update, err);
	}
	switch (db_step(update, err)) {
	case DB_ROW:
		if (db_column_int(update, 1) == RECORDING_STORED)
			return is_stored(recording_sid, err);
		*out_recording_id = db_column_int(update, 0);
		return true;
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no recording '%.*s' in the ledger",
			       STR_ARG(recording_sid));
	case DB_FAILED:
		break;
	}
	return false;
}

bool attempts_give_up(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
		      struct err *err)
{
	struct db_stmt *update;

	if (catalog->process_id == 0)
		return true;
	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE attempts SET ended_at_ms = $2, outcome = 'interrupted', "
			"detail = 'no request was sent' "
			"WHERE recording_id = (SELECT id FROM recordings WHERE recording_sid = $1) "
			"AND COALESCE(ended_at_ms, 0) = 0 AND process_id = $3",
			&update, err))
		return false;
	db_bind_str(update, 1, recording_sid);
	db_bind_int(update, 2, at_ms);
	db_bind_int(update, 3, catalog->process_id);
	return db_run(update, err);
}

/* A claim begins attempts, too (cluster/leases.h): one whose commit was not answered may be open. */
static bool end_unknown(struct catalog *catalog, const struct attempt_begin *begin, struct err *err)
{
	const struct foreseen *foreseen = foreseen_find(catalog, begin->recording_sid);

	/* Nobody looked: it may be so. */
	return (foreseen && foreseen->open_attempt == 0) ||
	       attempts_give_up(catalog, begin->recording_sid, begin->began_at_ms, err);
}

bool attempts_begin(struct catalog *catalog, const struct attempt_begin *begin, int64_t *out_id,
		    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *insert = NULL;
	int64_t recording_id = 0, id;

	if (!catalog_may_change(catalog, err) || !end_unknown(catalog, begin, err) ||
	    !begin_round(catalog, begin->recording_sid, begin->began_at_ms, &recording_id, err) ||
	    !db_prepare(catalog->db,
			"INSERT INTO attempts (recording_id, began_at_ms, generation, channels, "
			"process_id) VALUES ($1, $2, $3, $4, $5) RETURNING id",
			&insert, err))
		return false;
	db_bind_int(insert, 1, recording_id);
	db_bind_int(insert, 2, begin->began_at_ms);
	bind_known(insert, 3, begin->resumes);
	bind_known(insert, 4, begin->channels);
	bind_known(insert, 5, catalog->process_id);
	foreseen_forget(catalog, begin->recording_sid);
	if (db_step(insert, err) != DB_ROW)
		return false;
	id = db_column_int(insert, 0);
	if (!begin->resumes &&
	    !begin_generation(catalog, recording_id, id, begin->began_at_ms, err))
		return false;
	*out_id = id;
	return true;
}

/* Why an UPDATE of an open attempt touched nothing. */
static bool not_open(struct catalog *catalog, int64_t id, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(catalog->db, "SELECT 1 FROM attempts WHERE id = $1", &find, err))
		return false;
	db_bind_int(find, 1, id);
	switch (db_step(find, err)) {
	case DB_ROW:
		return err_set(err, ERR_CONFLICT, "attempt %lld has ended already", (long long)id);
	case DB_DONE:
		return err_set(err, ERR_NOT_FOUND, "no attempt %lld", (long long)id);
	case DB_FAILED:
		break;
	}
	return false;
}

bool attempts_end(struct catalog *catalog, const struct attempt_end *end, struct err *err)
{
	char outcome[ATTEMPT_OUTCOME_SIZE], detail[ATTEMPT_DETAIL_SIZE];
	struct foreseen *foreseen = foreseen_find_attempt(catalog, end->id); /* it is open */
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE attempts SET ended_at_ms = $2, outcome = $3, http_status = $4, "
			"bytes = $5, detail = $6 WHERE id = $1 AND ended_at_ms IS NULL",
			&update, err))
		return false;
	text_set(outcome, sizeof(outcome), str_of(end->outcome));
	text_set(detail, sizeof(detail), str_of(end->detail));
	db_bind_int(update, 1, end->id);
	db_bind_int(update, 2, end->ended_at_ms);
	bind_text(update, 3, outcome);
	bind_known(update, 4, end->http_status);
	db_bind_int(update, 5, end->bytes);
	bind_text(update, 6, detail);
	if (foreseen) {
		foreseen->open_attempt = 0;
		return db_run(update, err);
	}
	if (!db_run_now(update, err))
		return false;
	return db_changes(catalog->db) > 0 || not_open(catalog, end->id, err);
}

static void attempt_read(const struct db_stmt *row, struct attempt *out)
{
	out->id = db_column_int(row, 0);
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 1));
	out->began_at_ms = db_column_int(row, 2);
	out->ended_at_ms = db_column_int(row, 3);
	out->generation = db_column_is_null(row, 4) ? out->id : db_column_int(row, 4);
	out->channels = (int)db_column_int(row, 5);
	out->http_status = (int)db_column_int(row, 6);
	out->bytes = db_column_int(row, 7);
	text_set(out->outcome, sizeof(out->outcome), db_column_str(row, 8));
	text_set(out->detail, sizeof(out->detail), db_column_str(row, 9));
}

bool attempts_list(struct catalog *catalog, struct str recording_sid, struct attempt *out,
		   size_t size, size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step;
	size_t count = 0;

	if (!db_prepare(catalog->db,
			"SELECT a.id, r.recording_sid, a.began_at_ms, a.ended_at_ms, a.generation, "
			"a.channels, a.http_status, a.bytes, a.outcome, a.detail "
			"FROM recordings r JOIN attempts a ON a.recording_id = r.id "
			"WHERE r.recording_sid = $1 ORDER BY a.id DESC LIMIT $2",
			&list, err))
		return false;
	db_bind_str(list, 1, recording_sid);
	db_bind_int(list, 2, (int64_t)size);
	while ((step = db_step(list, err)) == DB_ROW && count < size)
		attempt_read(list, &out[count++]);
	if (step == DB_FAILED)
		return false;
	*out_count = count;
	return true;
}

#define CLOSE_OPEN                                                        \
	"UPDATE attempts SET ended_at_ms = $1, outcome = 'interrupted', " \
	"detail = 'callspool ended while this was under way' WHERE ended_at_ms IS NULL"

static const char *const close_open[] = {
	[ATTEMPTS_OF_ALL] = CLOSE_OPEN,
	[ATTEMPTS_OF_THE_DEAD] = CLOSE_OPEN
	" AND NOT EXISTS "
	"(SELECT 1 FROM processes WHERE processes.id = attempts.process_id)",
	[ATTEMPTS_OF_PROCESS] = CLOSE_OPEN " AND process_id = $2",
};

bool attempts_close_open(struct catalog *catalog, enum attempts_of whose, int64_t process_id,
			 int64_t at_ms, int64_t *out_closed, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db, close_open[whose], &update, err))
		return false;
	db_bind_int(update, 1, at_ms);
	if (whose == ATTEMPTS_OF_PROCESS)
		db_bind_int(update, 2, process_id);
	if (!out_closed)
		return db_run(update, err);
	if (!db_run_now(update, err))
		return false;
	*out_closed = db_changes(catalog->db);
	return true;
}

bool attempts_close_flights(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			    struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog->db,
			"UPDATE attempts SET ended_at_ms = $1, outcome = 'interrupted', "
			"detail = 'the ledger could not be written when this ended' "
			"WHERE ended_at_ms IS NULL AND process_id = $2 AND channels > 0 "
			"AND recording_id = (SELECT id FROM recordings WHERE recording_sid = $3)",
			&update, err))
		return false;
	db_bind_int(update, 1, at_ms);
	db_bind_int(update, 2, catalog->process_id);
	db_bind_str(update, 3, recording_sid);
	return db_run(update, err);
}
