/*
 * A claim reads what is due, as it would alone, and then takes a lease of each row and begins its attempt, all in one statement, whose
 * answer comes along with that of the commit: so a claim of however many waits for two answers.  The rows are locked for that moment, or passed over where they are locked:
 * a turn that waits for a claim, and a claim that waits for that turn, would be a deadlock.  A turn waits for the row before it
 * takes the lease, or gives it back, so that no two are ever about to make the same one.
 *
 * What a claim changes of a recording is what a turn would have changed as it begins the attempt: nothing that anybody is told,
 * so that it needs no number of a turn.
 */
#include "cluster/leases.h"

#include "base/mem.h"
#include "catalog/catalog_sql.h"
#include "catalog/foreseen.h"
#include "catalog/processes.h"
#include "catalog/rows.h"
#include "retention/retention.h"

#include <stdio.h>
#include <stdlib.h>

#define ID_SIZE 24

void lease_begun_free(struct lease_begun *begun)
{
	if (!begun)
		return;
	free(begun->encryption);
	free(begun->url);
	free(begun);
}

/* ---- claims ---- */

/* $1, of what a claim wants; $3 is the moment.  The numbers are RECORDING_QUEUED and WAITING. */
#define DUE                                                                            \
	"WITH due AS (SELECT id, channels_wanted FROM recordings WHERE id = ANY($1) "  \
	"AND next_try_at_ms IS NOT NULL AND next_try_at_ms <= $3 AND state IN (1, 2) " \
	"FOR UPDATE SKIP LOCKED)"
#define TAKE_DUE                                                                              \
	"INSERT INTO leases (recording_id, process_id, since_ms) SELECT id, $2, $3 FROM due " \
	"ON CONFLICT DO NOTHING RETURNING recording_id"

/* What a claim does with a row that it found. */
enum wish { WISH_NOTHING, WISH_LEASE, WISH_BEGIN };

static enum wish wish_of(const struct queue_claim *claim, const struct queue_row *row)
{
	if (row->is_leased)
		return WISH_NOTHING;
	return retention_is_over(claim->retention, &row->kept, claim->now_ms) ? WISH_LEASE
									      : WISH_BEGIN;
}

/* *out stays as it is where nothing is wished for. */
static bool send_wishes(struct catalog *catalog, const struct queue_claim *claim,
			const struct queue_row *rows, size_t count, enum wish wish, const char *sql,
			struct db_stmt **out, struct err *err)
{
	char ids[QUEUE_CLAIM_MAX][ID_SIZE];
	struct str list[QUEUE_CLAIM_MAX];
	size_t wished = 0;

	for (size_t i = 0; i < count; i++) {
		if (wish_of(claim, &rows[i]) != wish)
			continue;
		snprintf(ids[wished], ID_SIZE, "%lld", (long long)rows[i].id);
		list[wished] = str_of(ids[wished]);
		wished++;
	}
	if (wished == 0)
		return true;
	if (!db_prepare(catalog_db(catalog), sql, out, err))
		return false;
	db_bind_list(*out, 1, list, wished);
	db_bind_int(*out, 2, catalog_process(catalog));
	db_bind_int(*out, 3, claim->now_ms);
	return db_ask(*out, err);
}

static struct queue_row *row_of(struct queue_row *rows, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

/* Those whose lease is had. */
static bool read_leases(struct db_stmt *had, struct queue_row *rows, size_t count, struct err *err)
{
	enum db_step step = DB_DONE;

	while (had && (step = db_step(had, err)) == DB_ROW) {
		struct queue_row *row = row_of(rows, count, db_column_int(had, 0));

		if (row)
			row->is_leased = true;
	}
	return step == DB_DONE;
}

static bool read_begun(struct db_stmt *had, const struct queue_claim *claim, struct queue_row *rows,
		       size_t count, struct err *err)
{
	enum db_step step = DB_DONE;

	while (had && (step = db_step(had, err)) == DB_ROW) {
		struct queue_row *row = row_of(rows, count, db_column_int(had, 0));

		if (!row || row->begun)
			continue;
		row->is_leased = true;
		row->begun = xcalloc(1, sizeof(*row->begun));
		row->begun->attempt_id = db_column_int(had, 1);
		row->begun->began_at_ms = claim->now_ms;
		if (!db_column_is_null(had, 2))
			row->begun->encryption = str_dup(db_column_str(had, 2));
		row->begun->url = str_dup(db_column_str(had, 3));
		recording_read(had, 4, &row->begun->recording);
	}
	return step == DB_DONE;
}

static bool ask_for_all(struct catalog *catalog, const struct queue_claim *claim,
			const struct queue_row *rows, size_t count, struct leases_asked *asked,
			struct err *err)
{
	return send_wishes(catalog, claim, rows, count, WISH_BEGIN,
			   DUE
			   ", taken AS (" TAKE_DUE "), begun AS ("
			   "INSERT INTO attempts (recording_id, began_at_ms, channels, process_id) "
			   "SELECT due.id, $3, NULLIF(due.channels_wanted, 0), $2 FROM due "
			   "JOIN taken ON taken.recording_id = due.id RETURNING id, recording_id) "
			   "UPDATE recordings r SET generation = begun.id, generation_at_ms = $3, "
			   "first_try_at_ms = COALESCE(r.first_try_at_ms, $3) "
			   "FROM begun WHERE r.id = begun.recording_id "
			   "RETURNING r.id, begun.id, r.encryption, r.url, " RECORDING_COLUMNS,
			   &asked->begun, err) &&
	       send_wishes(catalog, claim, rows, count, WISH_LEASE, DUE " " TAKE_DUE,
			   &asked->leased, err);
}

void leases_asked_release(struct leases_asked *asked)
{
	db_stmt_reset(TAKE(asked->begun));
	db_stmt_reset(TAKE(asked->leased));
}

bool leases_claim(struct catalog *catalog, const struct queue_claim *claim, struct queue_row *out,
		  size_t *out_count, struct leases_asked *asked, struct err *err)
{
	size_t found = 0;

	if (!queue_claim(catalog, claim, out, &found, err))
		return false;
	for (size_t i = 0; catalog_process(catalog) == 0 && i < found; i++)
		out[i].is_leased = true;
	if (!ask_for_all(catalog, claim, out, found, asked, err)) {
		leases_asked_release(asked);
		return false;
	}
	*out_count = found;
	return true;
}

bool leases_had(const struct queue_claim *claim, struct leases_asked *asked, struct queue_row *rows,
		size_t *count, bool *out_passed_over, struct err *err)
{
	size_t found = *count, kept = 0;
	bool were_read = read_begun(asked->begun, claim, rows, found, err) &&
			 read_leases(asked->leased, rows, found, err);

	leases_asked_release(asked);
	if (!were_read) {
		for (size_t i = 0; i < found; i++)
			lease_begun_free(TAKE(rows[i].begun));
		return false;
	}
	for (size_t i = 0; i < found; i++)
		if (rows[i].is_leased)
			rows[kept++] = rows[i];
	*count = kept;
	*out_passed_over = kept < found;
	return true;
}

/* ---- in a turn ---- */

bool lease_take(struct catalog *catalog, struct str recording_sid, int64_t at_ms, bool *out,
		struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	struct foreseen *foreseen;
	struct db_stmt *insert;

	*out = true;
	if (catalog_process(catalog) == 0)
		return true;
	if (!catalog_may_change(catalog, err))
		return false;
	/* Of what nobody has another claim may be on its way. */
	foreseen = foreseen_find(catalog, recording_sid);
	if (foreseen && foreseen->lease_process != 0) {
		*out = foreseen->lease_process == catalog_process(catalog);
		return true;
	}
	if (!db_prepare(
		    catalog_db(catalog),
		    "WITH own AS (SELECT id FROM recordings WHERE recording_sid = $1 FOR UPDATE) "
		    "INSERT INTO leases (recording_id, process_id, since_ms) "
		    "SELECT id, $2, $3 FROM own ON CONFLICT DO NOTHING",
		    &insert, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "SELECT l.process_id FROM leases l JOIN recordings r ON r.id = l.recording_id "
		    "WHERE r.recording_sid = $1",
		    &find, err))
		return false;
	db_bind_str(insert, 1, recording_sid);
	db_bind_int(insert, 2, catalog_process(catalog));
	db_bind_int(insert, 3, at_ms);
	if (!db_run(insert, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		*out = db_column_int(find, 0) == catalog_process(catalog);
		if (foreseen)
			foreseen->lease_process = db_column_int(find, 0);
		return true;
	case DB_DONE:
		*out = false; /* it was given back between the two */
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

static bool was_just_tried(const struct recording *recording, int64_t at_ms, int64_t pause_ms)
{
	int64_t waited_ms = at_ms - recording->waiting_since_ms;

	return recording->state == RECORDING_WAITING && recording->next_try_at_ms > at_ms &&
	       (recording->wait_rule == RECORDING_WAIT_AS_TOLD ||
		(waited_ms >= 0 && waited_ms < pause_ms));
}

bool lease_begin(struct catalog *catalog, const struct recording *recording, int64_t at_ms,
		 int64_t pause_ms, bool *out_is_elsewhere, struct err *err)
{
	bool is_ours = false;

	if ((pause_ms == 0 || !was_just_tried(recording, at_ms, pause_ms)) &&
	    !lease_take(catalog, str_of(recording->recording_sid), at_ms, &is_ours, err))
		return false;
	*out_is_elsewhere = !is_ours;
	return true;
}

/* What is known of it, whoever is asked; NULL: nothing. */
static struct foreseen *foreseen_lease(struct catalog *catalog, struct str recording_sid)
{
	return catalog_process(catalog) != 0 ? foreseen_find(catalog, recording_sid) : NULL;
}

static bool not_ours(struct err *err)
{
	return err_set(err, ERR_CONFLICT, "another process fetches it");
}

static bool change_own(struct catalog *catalog, const char *sql, struct str recording_sid,
		       struct err *err)
{
	struct db_stmt *change;

	if (catalog_process(catalog) == 0)
		return true;
	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), sql, &change, err))
		return false;
	db_bind_int(change, 1, catalog_process(catalog));
	db_bind_str(change, 2, recording_sid);
	if (!db_run_now(change, err))
		return false;
	return db_changes(catalog_db(catalog)) > 0 || not_ours(err);
}

bool lease_check(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	const struct foreseen *foreseen = foreseen_lease(catalog, recording_sid);

	if (foreseen)
		return foreseen->lease_process == catalog_process(catalog) || not_ours(err);
	return change_own(
		catalog,
		"WITH own AS (SELECT id FROM recordings WHERE recording_sid = $2 FOR UPDATE) "
		"UPDATE leases SET since_ms = since_ms FROM own "
		"WHERE process_id = $1 AND recording_id = own.id",
		recording_sid, err);
}

/* It is known to be there. */
static bool end_own(struct catalog *catalog, struct foreseen *foreseen, struct err *err)
{
	struct db_stmt *change;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "WITH own AS (SELECT id FROM recordings WHERE id = $2 FOR UPDATE) "
		    "DELETE FROM leases USING own WHERE process_id = $1 AND recording_id = own.id",
		    &change, err))
		return false;
	db_bind_int(change, 1, catalog_process(catalog));
	db_bind_int(change, 2, foreseen->place.id);
	foreseen->lease_process = 0;
	return db_run(change, err);
}

bool lease_end(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	struct foreseen *foreseen = foreseen_lease(catalog, recording_sid);

	if (foreseen)
		return foreseen->lease_process == catalog_process(catalog)
			       ? end_own(catalog, foreseen, err)
			       : not_ours(err);
	return change_own(
		catalog,
		"WITH own AS (SELECT id FROM recordings WHERE recording_sid = $2 FOR UPDATE) "
		"DELETE FROM leases USING own WHERE process_id = $1 AND recording_id = own.id",
		recording_sid, err);
}

bool lease_find_holder(struct catalog *catalog, struct str recording_sid, struct lease_holder *out,
		       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	*out = (struct lease_holder){ .process_id = 0 };
	if (catalog_is_local(catalog))
		return true;
	if (!db_prepare(catalog_db(catalog),
			"SELECT p.id, p.address, p.token FROM recordings r "
			"JOIN leases l ON l.recording_id = r.id "
			"JOIN processes p ON p.id = l.process_id WHERE r.recording_sid = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, recording_sid);
	switch (db_step(find, err)) {
	case DB_ROW:
		out->process_id = db_column_int(find, 0);
		text_set(out->address, sizeof(out->address), db_column_str(find, 1));
		text_set(out->token, sizeof(out->token), db_column_str(find, 2));
		return true;
	case DB_DONE:
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

bool lease_shut_out(struct catalog *catalog, struct str recording_sid, struct err *err)
{
	struct db_stmt *lock;

	if (catalog_process(catalog) == 0)
		return true;
	if (!db_prepare(catalog_db(catalog),
			"SELECT id FROM recordings WHERE recording_sid = $1 FOR UPDATE", &lock,
			err))
		return false;
	db_bind_str(lock, 1, recording_sid);
	return db_run_now(lock, err);
}

bool leases_own(struct catalog *catalog, int64_t after_id, struct lease_row *out, size_t size,
		size_t *out_count, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;
	size_t count = 0;

	*out_count = 0;
	if (catalog_process(catalog) == 0)
		return true;
	if (!db_prepare(catalog_db(catalog),
			"SELECT own.id, r.recording_sid, own.since_ms FROM "
			"(SELECT id, MAX(since_ms) AS since_ms FROM "
			"(SELECT recording_id AS id, since_ms FROM leases WHERE process_id = $1 "
			"UNION ALL SELECT recording_id, began_at_ms FROM attempts "
			"WHERE ended_at_ms IS NULL AND process_id = $1 AND channels > 0) AS each "
			"GROUP BY id) AS own "
			"JOIN recordings r ON r.id = own.id WHERE own.id > $2 "
			"ORDER BY own.id LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, catalog_process(catalog));
	db_bind_int(list, 2, after_id);
	db_bind_int(list, 3, (int64_t)size);
	while (count < size && (step = db_step(list, err)) == DB_ROW) {
		out[count].recording_id = db_column_int(list, 0);
		text_set(out[count].recording_sid, SID_SIZE, db_column_str(list, 1));
		out[count].since_ms = db_column_int(list, 2);
		count++;
	}
	*out_count = count;
	return step != DB_FAILED;
}
