#include "catalog/foreseen.h"

#include "base/mem.h"
#include "catalog/catalog_private.h"

#include <stdlib.h>
#include <string.h>

struct foresight {
	size_t named;
	char sids[FORESEEN_MAX][SID_SIZE];
	struct db_stmt *
		asked; /* its answer is on its way, or here; NULL: it was read, or nothing was asked */
	size_t count;
	struct foreseen all[FORESEEN_MAX];
};

void foresight_free(struct foresight *foresight)
{
	free(foresight);
}

/* ---- before ---- */

static bool is_named(const struct foresight *foresight, struct str recording_sid)
{
	for (size_t i = 0; i < foresight->named; i++)
		if (str_eq(str_of(foresight->sids[i]), recording_sid))
			return true;
	return false;
}

void catalog_foresee(struct catalog *catalog, struct str recording_sid)
{
	struct foresight *foresight;

	if (catalog_is_local(catalog) || recording_sid.len >= SID_SIZE)
		return;
	if (!catalog->foresight)
		catalog->foresight = xcalloc(1, sizeof(*catalog->foresight));
	foresight = catalog->foresight;
	if (foresight->named == FORESEEN_MAX || is_named(foresight, recording_sid))
		return;
	text_set(foresight->sids[foresight->named++], SID_SIZE, recording_sid);
}

/*
 * That an attempt is open is asked so that the index of open ones, which is full of those that have ended since the table was
 * cleaned, is of no use: those of a recording are few.
 */
bool foresight_ask(struct catalog *catalog, struct err *err)
{
	struct foresight *foresight = catalog->foresight;
	struct str sids[FORESEEN_MAX];
	struct db_stmt *list;

	if (!foresight || foresight->named == 0)
		return true;
	for (size_t i = 0; i < foresight->named; i++)
		sids[i] = str_of(foresight->sids[i]);
	if (!db_prepare(catalog->db,
			"SELECT r.recording_sid, r.id, r.call_id, r.state, r.size, r.is_held, "
			"c.is_main_fixed, c.main_recording_id, c.recordings, r.generation, "
			"(SELECT l.process_id FROM leases l WHERE l.recording_id = r.id), "
			"(SELECT MAX(a.id) FROM attempts a WHERE a.recording_id = r.id "
			"AND COALESCE(a.ended_at_ms, 0) = 0), r.first_try_at_ms "
			"FROM recordings r LEFT JOIN calls c ON c.id = r.call_id "
			"WHERE r.recording_sid = ANY($1)",
			&list, err))
		return false;
	db_bind_list(list, 1, sids, foresight->named);
	foresight->asked = list;
	return db_ask(list, err);
}

void foresight_end(struct catalog *catalog)
{
	struct foresight *foresight = catalog->foresight;

	if (!foresight)
		return;
	db_stmt_reset(TAKE(foresight->asked));
	foresight->named = foresight->count = 0;
}

/* ---- within ---- */

static void read_one(const struct db_stmt *row, struct foreseen *out)
{
	*out = (struct foreseen){
		.place = { .id = db_column_int(row, 1),
			   .call_id = db_column_int(row, 2),
			   .state = (enum recording_state)db_column_int(row, 3),
			   .size = (uint64_t)db_column_int(row, 4),
			   .is_held = db_column_int(row, 5) != 0,
			   .is_main_fixed = db_column_int(row, 6) != 0,
			   .main_recording_id = db_column_int(row, 7),
			   .call_recordings = db_column_int(row, 8) },
		.generation = db_column_int(row, 9),
		.lease_process = db_column_int(row, 10),
		.open_attempt = db_column_int(row, 11),
		.first_try_at_ms = db_column_int(row, 12),
	};
	text_set(out->recording_sid, SID_SIZE, db_column_str(row, 0));
}

/* It came with the begin: nothing is waited for.  What fails is told by whoever asks next, for the transaction has failed. */
static void read_all(struct foresight *foresight)
{
	AUTO(db_stmt_reset) struct db_stmt *list = TAKE(foresight->asked);
	struct err told_later;

	while (list && foresight->count < FORESEEN_MAX && db_step(list, &told_later) == DB_ROW)
		read_one(list, &foresight->all[foresight->count++]);
}

struct foreseen *foreseen_find(struct catalog *catalog, struct str recording_sid)
{
	struct foresight *foresight = catalog->foresight;

	if (!foresight || foresight->named == 0)
		return NULL;
	read_all(foresight);
	for (size_t i = 0; i < foresight->count; i++)
		if (str_eq(str_of(foresight->all[i].recording_sid), recording_sid))
			return &foresight->all[i];
	return NULL;
}

struct foreseen *foreseen_find_attempt(struct catalog *catalog, int64_t attempt_id)
{
	struct foresight *foresight = catalog->foresight;

	if (!foresight || foresight->named == 0)
		return NULL;
	read_all(foresight);
	for (size_t i = 0; i < foresight->count; i++)
		if (attempt_id != 0 && foresight->all[i].open_attempt == attempt_id)
			return &foresight->all[i];
	return NULL;
}

static void forget_at(struct foresight *foresight, size_t at)
{
	foresight->all[at] = foresight->all[--foresight->count];
}

void foreseen_forget(struct catalog *catalog, struct str recording_sid)
{
	struct foresight *foresight = catalog->foresight;
	const struct foreseen *changed;
	int64_t id, call_id;

	if (!foresight || foresight->named == 0)
		return;
	if (!recording_sid.at) {
		foresight_end(catalog);
		return;
	}
	changed = foreseen_find(catalog, recording_sid);
	if (!changed)
		return;
	id = changed->place.id;
	call_id = changed->place.call_id;
	for (size_t i = foresight->count; i-- > 0;) {
		const struct recording_place *place = &foresight->all[i].place;

		if (place->id == id || (call_id != 0 && place->call_id == call_id))
			forget_at(foresight, i);
	}
}
