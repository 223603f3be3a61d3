/*
 * What changes in a ledger while it is moved.
 *
 * Noted by triggers and not found by changed_seq: that says nothing of what was removed, and attempts, the audit and most small
 * tables have none.  A trigger misses nothing, whoever writes, and is as durable as what it notes.
 *
 * Whoever changes what is noted, or how, names all of it anew: `departing`, `departing_notes` and the triggers.  Another version then
 * finds nothing of it, and begins a move of its own beside it, which notes for itself; under the same names it would take the triggers
 * for its own, read notes that nobody writes any more, and remove those of others.  Older ones named it migrating_changes, and then
 * migrating_notes.
 *
 * The notes are applied table by table, all from one snapshot.  First whoever has a name there that is not his any more loses it, for it
 * may be another's by now.  Then what has changed is written, in the order of references, so that a row never names one that is
 * not there yet; then what is gone is removed, against that order, when nothing names it any more.
 */
#include "tables/tables_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "db/db.h"

#include <string.h>

#define SENT_MAX 500

/* Ours, and those of older ones, which are only removed. */
struct notes {
	const char *name, *first, *remove, *drop;
};

#define NOTES(name)                                                                       \
	{                                                                                 \
		name, "SELECT MIN(id) FROM " name, "DELETE FROM " name " WHERE id <= $1", \
			"DROP TABLE " name                                                \
	}

static const struct notes all_notes[] = {
	NOTES("departing_notes"),
	NOTES("migrating_notes"),
	NOTES("migrating_changes"),
};

bool table_changes_begin(const struct tables *tables, struct db *db, struct err *err)
{
	if (!db_exec(db,
		     "CREATE TABLE IF NOT EXISTS departing_notes ("
		     "	id INTEGER PRIMARY KEY AUTOINCREMENT, tab TEXT NOT NULL, k1, k2, k3)",
		     err) ||
	    !db_exec(db,
		     "CREATE INDEX IF NOT EXISTS departing_notes_of_table "
		     "ON departing_notes (tab, k1, k2, k3)",
		     err))
		return false;
	/* Anew: those of another version may note less. */
	for (size_t i = 0; i < tables->count; i++)
		if (!db_exec(db, tables->at[i].texts[TEXT_UNNOTE], err) ||
		    !db_exec(db, tables->at[i].texts[TEXT_NOTE], err))
			return false;
	return true;
}

static bool drop_triggers(const struct tables *tables, enum table_text text, struct db *db,
			  struct err *err)
{
	for (size_t i = 0; i < tables->count; i++)
		if (!db_exec(db, tables->at[i].texts[text], err))
			return false;
	return true;
}

/* By the numbers of the first that are left, which have no gaps worth the name. */
static bool forget_notes(const struct notes *notes, struct db *db, int64_t last, bool *out_is_all,
			 struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *first = NULL;
	struct db_stmt *remove;
	int64_t up_to;

	if (!db_prepare(db, notes->first, &first, err) || db_step(first, err) != DB_ROW)
		return false;
	up_to = db_column_int(first, 0) + TABLE_CHANGES_PIECE - 1;
	*out_is_all = db_column_is_null(first, 0) || up_to >= last;
	if (db_column_is_null(first, 0))
		return true;
	if (!db_prepare(db, notes->remove, &remove, err))
		return false;
	db_bind_int(remove, 1, up_to < last ? up_to : last);
	return db_run(remove, err);
}

bool table_changes_forget(struct db *db, int64_t last, bool *out_is_all, struct err *err)
{
	return forget_notes(&all_notes[0], db, last, out_is_all, err);
}

static bool is_there(const struct notes *notes, struct db *db, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(db, "SELECT COUNT(*) FROM sqlite_master WHERE name = $1", &find, err))
		return false;
	db_bind_str(find, 1, str_of(notes->name));
	if (db_step(find, err) != DB_ROW)
		return false;
	*out = db_column_int(find, 0) > 0;
	return true;
}

/* A piece of them; the table goes with the last. */
static bool end_notes(const struct notes *notes, struct db *db, bool *out_is_over, struct err *err)
{
	bool has_notes;

	*out_is_over = true;
	return is_there(notes, db, &has_notes, err) &&
	       (!has_notes || (forget_notes(notes, db, INT64_MAX, out_is_over, err) &&
			       (!*out_is_over || db_exec(db, notes->drop, err))));
}

bool table_changes_end(const struct tables *tables, struct db *db, bool *out_is_over,
		       struct err *err)
{
	if (!drop_triggers(tables, TEXT_UNNOTE, db, err) ||
	    !drop_triggers(tables, TEXT_UNNOTE_OLDER, db, err))
		return false;
	*out_is_over = true;
	for (size_t i = 0; i < ARRAY_LEN(all_notes) && *out_is_over; i++)
		if (!end_notes(&all_notes[i], db, out_is_over, err))
			return false;
	return true;
}

bool table_changes_last(struct db *db, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(db, "SELECT MAX(id) FROM departing_notes", &find, err) ||
	    db_step(find, err) != DB_ROW)
		return false;
	*out = db_column_int(find, 0);
	return true;
}

/* ---- applying them ---- */

static bool is_to_stop(const struct table_changes *now)
{
	return now->is_to_stop && atomic_load(now->is_to_stop);
}

/* In between. */
static bool catch_up(const struct table_changes *now, struct err *err)
{
	if (is_to_stop(now))
		return err_set(err, ERR_UNAVAILABLE, "%s", "");
	if (clock_monotonic_ms() > now->until_ms)
		return err_set(err, ERR_UNAVAILABLE, TABLE_CHANGES_LATE);
	return db_catch_up(now->to, err);
}

static bool note_sent(struct table_changes *now, struct err *err)
{
	return ++now->keys % SENT_MAX != 0 || catch_up(now, err);
}

/*
 * Rows that were written, to be read back together.  Their digests are taken as one, whatever their order: what each is is in it, with its
 * key, and no key comes twice.
 */
struct batch {
	size_t count;
	struct table_place places[TABLE_SOME_MAX];
	uint8_t digest[SHA256_BYTES];
};

static void digest_add(uint8_t digest[SHA256_BYTES], const struct table *table,
		       const struct db_stmt *row)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	uint8_t one[SHA256_BYTES];

	row_digest(table, row, sha);
	sha256_end(sha, one);
	for (size_t i = 0; i < sizeof(one); i++)
		digest[i] ^= one[i];
}

static bool differs(const struct table *table, const struct batch *batch, struct err *err)
{
	const struct table_place *first = &batch->places[0],
				 *last = &batch->places[batch->count - 1];

	if (table->columns[table->key[0]].kind == COLUMN_NUMBER)
		return err_set(err, ERR_CONFLICT, "table %s differs at one of %s %lld to %lld",
			       table->entry->name, table->entry->key[0],
			       (long long)first->number[0], (long long)last->number[0]);
	return err_set(err, ERR_CONFLICT, "table %s differs at one of %s '%.64s' to '%.64s'",
		       table->entry->name, table->entry->key[0], first->text[0], last->text[0]);
}

/* Places that are left over ask for the last row again, which comes once. */
static bool compare(const struct table *table, struct db *to, struct batch *batch, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *some = NULL;
	uint8_t there[SHA256_BYTES] = { 0 };
	enum db_step step;

	if (batch->count == 0)
		return true;
	if (!db_prepare(to, table->texts[TEXT_SOME], &some, err))
		return false;
	for (size_t i = 0; i < table_some(table); i++)
		place_bind(table, &batch->places[i < batch->count ? i : batch->count - 1], some,
			   (int)(i * table->keys) + 1);
	while ((step = db_step(some, err)) == DB_ROW)
		digest_add(there, table, some);
	if (step == DB_FAILED)
		return false;
	if (memcmp(batch->digest, there, sizeof(there)) != 0)
		return differs(table, batch, err);
	batch->count = 0;
	memset(batch->digest, 0, sizeof(batch->digest));
	return true;
}

static bool compare_later(const struct table *table, struct db *to, const struct db_stmt *row,
			  struct batch *batch, struct err *err)
{
	if (!place_take(table, row, true, &batch->places[batch->count], err))
		return false;
	place_replace(table, &batch->places[batch->count]);
	digest_add(batch->digest, table, row);
	return ++batch->count < table_some(table) || compare(table, to, batch, err);
}

static bool prepare_noted(const struct table *table, enum table_text text, struct db *from,
			  struct db_stmt **out, struct err *err)
{
	if (!db_prepare(from, table->texts[text], out, err))
		return false;
	db_bind_str(*out, 1, str_of(table->entry->name));
	return true;
}

static bool write_changed(const struct table *table, struct table_changes *now, struct err *err)
{
	AUTO(free) struct batch *batch = xcalloc(1, sizeof(*batch));
	AUTO(db_stmt_reset) struct db_stmt *changed = NULL;
	enum db_step step;

	if (!prepare_noted(table, TEXT_CHANGED, now->from, &changed, err))
		return false;
	while ((step = db_step(changed, err)) == DB_ROW)
		if (!row_write(table, changed, now->to, err) ||
		    (now->compares && !compare_later(table, now->to, changed, batch, err)) ||
		    !note_sent(now, err))
			return false;
	return step == DB_DONE && compare(table, now->to, batch, err);
}

static bool remove_one(const struct table *table, struct db *to, struct table_place *place,
		       struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *remove = NULL;

	if (!db_prepare(to, table->texts[TEXT_REMOVE], &remove, err))
		return false;
	place_replace(table, place);
	place_bind(table, place, remove, 1);
	return db_run(remove, err);
}

static bool remove_gone(const struct table *table, struct table_changes *now, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *gone = NULL;
	struct table_place place;
	enum db_step step;

	if (!prepare_noted(table, TEXT_GONE, now->from, &gone, err))
		return false;
	while ((step = db_step(gone, err)) == DB_ROW)
		if (!place_take(table, gone, false, &place, err) ||
		    !remove_one(table, now->to, &place, err) || !note_sent(now, err))
			return false;
	return step == DB_DONE;
}

/* ---- names that change hands ---- */

static bool park_one(const struct table *table, struct db *to, int64_t key, struct str name,
		     struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *park = NULL;

	if (!db_prepare(to, table->texts[TEXT_PARK], &park, err))
		return false;
	db_bind_int(park, 1, key);
	db_bind_str(park, 2, name);
	return db_run(park, err);
}

static bool park_changed(const struct table *table, struct table_changes *now, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *changed = NULL;
	size_t sent = 0;
	enum db_step step;

	if (!prepare_noted(table, TEXT_CHANGED, now->from, &changed, err))
		return false;
	while ((step = db_step(changed, err)) == DB_ROW) {
		struct str name = db_column_str(changed, (int)table->name);
		AUTO(free) char *replaced = utf8_replace(name);

		if (!park_one(table, now->to, db_column_int(changed, (int)table->key[0]),
			      str_of(replaced), err) ||
		    (++sent % SENT_MAX == 0 && !catch_up(now, err)))
			return false;
	}
	return step == DB_DONE;
}

static bool park_gone(const struct table *table, struct table_changes *now, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *gone = NULL;
	size_t sent = 0;
	enum db_step step;

	if (!prepare_noted(table, TEXT_GONE, now->from, &gone, err))
		return false;
	while ((step = db_step(gone, err)) == DB_ROW)
		if (!park_one(table, now->to, db_column_int(gone, 0), STR(""), err) ||
		    (++sent % SENT_MAX == 0 && !catch_up(now, err)))
			return false;
	return step == DB_DONE;
}

bool table_changes_apply(struct table_changes *now, struct err *err)
{
	const struct tables *tables = now->tables;

	now->keys = 0;
	for (size_t i = 0; i < now->count; i++)
		if (table_at(tables, i)->entry->name_column &&
		    (!park_gone(table_at(tables, i), now, err) ||
		     !park_changed(table_at(tables, i), now, err)))
			return false;
	for (size_t i = 0; i < now->count; i++)
		if (!write_changed(table_at(tables, i), now, err))
			return false;
	for (size_t i = now->count; i > 0; i--)
		if (!remove_gone(table_at(tables, i - 1), now, err))
			return false;
	return catch_up(now, err);
}
