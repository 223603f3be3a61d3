#include "tables/departure.h"

#include "base/own.h"
#include "base/str.h"
#include "catalog/catalog_sql.h"
#include "db/db.h"
#include "schema/schema.h"
#include "tables/tables.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BEFORE_DATABASE "database = "
#define BEFORE_STORE    "store = "

/* As `verifies` of the row says it. */
enum verifying { VERIFIES_NOT, VERIFIES, VERIFIED };

void departure_words(const char *database, const char *store, char out[DEPARTURE_TO_SIZE])
{
	snprintf(out, DEPARTURE_TO_SIZE, "%s%s%s%s%s", database ? BEFORE_DATABASE : "",
		 database ? database : "", database && store ? " and " : "",
		 store ? BEFORE_STORE : "", store ? store : "");
}

void departure_addresses(const char *words, char database[DEPARTURE_ADDRESS_SIZE],
			 char store[DEPARTURE_ADDRESS_SIZE])
{
	struct str rest = str_of(words);

	database[0] = store[0] = '\0';
	if (str_starts(rest, STR(BEFORE_DATABASE))) {
		size_t at = str_find_str(rest, STR(" and " BEFORE_STORE));

		str_fit(str_after(str_first(rest, at), strlen(BEFORE_DATABASE)), database,
			DEPARTURE_ADDRESS_SIZE);
		rest = at < rest.len ? str_after(rest, at + strlen(" and ")) : STR("");
	}
	if (str_starts(rest, STR(BEFORE_STORE)))
		str_fit(str_after(rest, strlen(BEFORE_STORE)), store, DEPARTURE_ADDRESS_SIZE);
}

static bool count(struct db *db, const char *sql, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!db_prepare(db, sql, &find, err) || db_step(find, err) != DB_ROW)
		return false;
	*out = db_column_int(find, 0);
	return true;
}

/* Where there is none *out stays as it is. */
static bool read_row(struct db *db, const char *sql, struct departure *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(db, sql, &find, err))
		return false;
	step = db_step(find, err);
	if (step != DB_ROW)
		return step == DB_DONE;
	str_fit(db_column_str(find, 0), out->name, sizeof(out->name));
	str_fit(db_column_str(find, 1), out->to, sizeof(out->to));
	out->began_at_ms = db_column_int(find, 2);
	out->media = db_column_int(find, 3);
	out->has_arrived = db_column_int(find, 4) != 0;
	out->verifies = db_column_int(find, 5) == VERIFIES;
	out->is_verified = db_column_int(find, 5) == VERIFIED;
	return true;
}

static bool find_left(struct db *db, struct departure *out, struct err *err)
{
	int64_t notes;

	if (!count(db,
		   "SELECT COUNT(*) FROM sqlite_master "
		   "WHERE name IN ('departing_notes', 'migrating_notes', 'migrating_changes')",
		   &notes, err))
		return false;
	out->is_given_up = notes > 0;
	return true;
}

/* The move of an older callspool.  The first of them do not say whether it has arrived: nobody goes on by himself with what they moved to. */
static bool find_older(struct db *db, struct departure *out, struct err *err)
{
	int64_t is_there, says;

	if (!count(db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'migrating'", &is_there,
		   err) ||
	    !count(db,
		   "SELECT COUNT(*) FROM pragma_table_info('migrating') WHERE name = 'has_arrived'",
		   &says, err))
		return false;
	out->is_older = is_there > 0;
	if (!out->is_older)
		return find_left(db, out, err);
	return read_row(
		db,
		says > 0 ? "SELECT name, destination, began_at_ms, 0, has_arrived, 0 FROM migrating"
			 : "SELECT name, destination, began_at_ms, 0, 1, 0 FROM migrating",
		out, err);
}

bool departure_find(struct db *db, struct departure *out, struct err *err)
{
	int64_t is_there;

	*out = (struct departure){ .began_at_ms = 0 };
	if (!count(db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'departing'", &is_there,
		   err))
		return false;
	if (is_there == 0)
		return find_older(db, out, err);
	return read_row(
		db,
		"SELECT name, destination, began_at_ms, media, has_arrived, verifies FROM departing",
		out, err);
}

bool departure_find_in(struct catalog *catalog, struct departure *out, struct err *err)
{
	*out = (struct departure){ .began_at_ms = 0 };
	return !catalog_is_local(catalog) || departure_find(catalog_db(catalog), out, err);
}

static bool begin_notes(struct db *db, struct err *err)
{
	AUTO(tables_free) struct tables *tables = NULL;

	return tables_read(db, &tables, err) && table_changes_begin(tables, db, err);
}

static bool add_row(struct db *db, const struct departure *departure, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(
		    db,
		    "INSERT INTO departing (name, destination, began_at_ms, verifies) VALUES ($1, $2, $3, $4)",
		    &insert, err))
		return false;
	db_bind_str(insert, 1, str_of(departure->name));
	db_bind_str(insert, 2, str_of(departure->to));
	db_bind_int(insert, 3, departure->began_at_ms);
	db_bind_int(insert, 4, departure->verifies ? VERIFIES : VERIFIES_NOT);
	return db_run(insert, err);
}

static bool set_verifies(struct db *db, enum verifying verifies, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(db, "UPDATE departing SET verifies = $1", &update, err))
		return false;
	db_bind_int(update, 1, verifies);
	return db_run(update, err);
}

/* What was asked of it once is done, whoever goes on with it. */
static bool add_wish(struct db *db, const struct departure *before,
		     const struct departure *departure, struct err *err)
{
	if (!before->name[0])
		return add_row(db, departure, err);
	return before->verifies || !departure->verifies || set_verifies(db, VERIFIES, err);
}

bool departure_may_go_on(const struct departure *departure, struct err *err)
{
	return !departure->is_older ||
	       err_set(err, ERR_CONFLICT,
		       "the move was begun by an older callspool: --cancel it, and begin anew");
}

bool departure_begin(struct catalog *catalog, const struct departure *departure, struct err *err)
{
	struct departure before;
	struct db *db;

	if (!catalog_may_change(catalog, err))
		return false;
	db = catalog_db(catalog);
	if (!departure_find(db, &before, err) || !departure_may_go_on(&before, err))
		return false;
	if (before.name[0] && !str_eq(str_of(before.name), str_of(departure->name)))
		return err_set(err, ERR_CONFLICT, "another move has begun: to %s", before.to);
	/* The triggers, too: a newer callspool may have more tables. */
	return db_exec(db,
		       "CREATE TABLE IF NOT EXISTS departing "
		       "(name TEXT PRIMARY KEY, destination TEXT NOT NULL, began_at_ms BIGINT NOT NULL, "
		       "has_arrived INTEGER NOT NULL DEFAULT 0, media BIGINT NOT NULL DEFAULT 0, "
		       "verifies INTEGER NOT NULL DEFAULT 0)",
		       err) &&
	       add_wish(db, &before, departure, err) && begin_notes(db, err);
}

bool departure_set_verified(struct catalog *catalog, struct err *err)
{
	return catalog_may_change(catalog, err) && set_verifies(catalog_db(catalog), VERIFIED, err);
}

bool departure_set_media(struct catalog *catalog, int64_t id, struct err *err)
{
	struct db_stmt *update;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "UPDATE departing SET media = $1", &update, err))
		return false;
	db_bind_int(update, 1, id);
	return db_run(update, err);
}

static bool end_notes(struct db *db, bool *out_is_over, struct err *err)
{
	AUTO(tables_free) struct tables *tables = NULL;

	return tables_read(db, &tables, err) && table_changes_end(tables, db, out_is_over, err);
}

/* Its row goes first: what is left of notes then is nobody's, and may be there when another move begins. */
bool departure_end(struct catalog *catalog, bool *out_is_over, struct err *err)
{
	struct db *db;

	if (!catalog_may_change(catalog, err))
		return false;
	db = catalog_db(catalog);
	return db_exec(db, "DROP TABLE IF EXISTS departing; DROP TABLE IF EXISTS migrating", err) &&
	       end_notes(db, out_is_over, err);
}

bool departure_recordings(struct catalog *catalog, int64_t after, int64_t most,
			  struct departure_recording *out, size_t size, size_t *out_count,
			  struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;

	*out_count = 0;
	if (!db_prepare(catalog_db(catalog),
			"SELECT r.id, r.recording_sid, r.call_sid FROM "
			"(SELECT DISTINCT k1 FROM departing_notes WHERE tab = 'recordings') k "
			"JOIN recordings r ON r.id = k.k1 WHERE r.id > $1 AND r.id <= $2 "
			"ORDER BY r.id LIMIT $3",
			&list, err))
		return false;
	db_bind_int(list, 1, after);
	db_bind_int(list, 2, most);
	db_bind_int(list, 3, (int64_t)size);
	while (*out_count < size && (step = db_step(list, err)) == DB_ROW) {
		struct departure_recording *recording = &out[(*out_count)++];

		recording->id = db_column_int(list, 0);
		text_set(recording->recording_sid, SID_SIZE, db_column_str(list, 1));
		text_set(recording->call_sid, SID_SIZE, db_column_str(list, 2));
	}
	return step != DB_FAILED;
}

bool departure_last(struct catalog *catalog, int64_t *out, struct err *err)
{
	return table_changes_last(catalog_db(catalog), out, err);
}

bool departure_forget(struct catalog *catalog, int64_t last, bool *out_is_all, struct err *err)
{
	struct departure departure;

	*out_is_all = true;
	/* It may have been ended meanwhile. */
	return catalog_may_change(catalog, err) &&
	       departure_find(catalog_db(catalog), &departure, err) &&
	       (!departure.name[0] ||
		table_changes_forget(catalog_db(catalog), last, out_is_all, err));
}

static bool finish(struct db *db, const struct departure *departure, struct err *err)
{
	struct departure now;
	bool is_over = false;

	if (!departure_find(db, &now, err))
		return false;
	if (!str_eq(str_of(now.name), str_of(departure->name)))
		return err_set(err, ERR_CONFLICT, "it is another move that has begun");
	while (!is_over)
		if (!end_notes(db, &is_over, err))
			return false;
	return schema_mark(db, SCHEMA_MOVED, departure->to, err);
}

bool departure_finish(const char *path, const struct departure *departure, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;
	int64_t left_bytes;

	if (!db_open(path, DB_WRITE, &db, err) || !db_begin(db, err))
		return false;
	if (!finish(db, departure, err) || !db_commit(db, err))
		return false;
	/* Whoever copies the file alone copies the mark as well; it counts without that. */
	(void)!db_checkpoint(db, &left_bytes, err);
	return true;
}

bool departure_set_arrived(const char *path, struct err *err)
{
	struct departure departure;
	AUTO(db_free) struct db *db = NULL;

	if (!departure_moved_to(path, &departure, err))
		return false;
	return !departure.to[0] || departure.has_arrived ||
	       (db_open(path, DB_WRITE, &db, err) &&
		db_exec(db,
			departure.is_older ? "UPDATE migrating SET has_arrived = 1"
					   : "UPDATE departing SET has_arrived = 1",
			err));
}

bool departure_begun(const char *path, struct departure *out, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;

	return db_open(path, DB_READ, &db, err) && departure_find(db, out, err);
}

bool departure_moved_to(const char *path, struct departure *out, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;
	char text[SCHEMA_MARK_SIZE];

	*out = (struct departure){ .began_at_ms = 0 };
	if (access(path, F_OK) < 0)
		return true;
	if (!db_open(path, DB_READ, &db, err) || !schema_marked(db, SCHEMA_MOVED, text, err))
		return false;
	if (!text[0])
		return true;
	if (!departure_find(db, out, err))
		return false;
	str_fit(str_of(text), out->to, sizeof(out->to));
	return true;
}
