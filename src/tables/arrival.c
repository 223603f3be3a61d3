#include "tables/arrival.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "db/db.h"
#include "schema/schema.h"
#include "tables/departure.h"
#include "tables/destination.h"
#include "tables/tables_private.h"

static bool count(struct db *db, const char *sql, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	if (!db_prepare(db, sql, &stmt, err) || db_step(stmt, err) != DB_ROW)
		return false;
	*out = db_column_int(stmt, 0);
	return true;
}

/* The name of the move that has begun there; "": another one, or it is complete. */
static bool find_name(struct db *db, char *out, size_t size, bool *out_is_complete, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	out[0] = '\0';
	*out_is_complete = false;
	if (!db_prepare(db, "SELECT name, is_complete FROM migration", &find, err))
		return false;
	switch (db_step(find, err)) {
	case DB_ROW:
		str_fit(db_column_str(find, 0), out, size);
		*out_is_complete = db_column_int(find, 1) != 0;
		return true;
	case DB_DONE:
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

static bool is_ours(struct db *db, const struct departure *departure, struct err *err)
{
	char mark[SCHEMA_MARK_SIZE], name[DEPARTURE_NAME_SIZE];
	bool is_complete, is_current;

	if (!schema_marked(db, SCHEMA_ARRIVING, mark, err))
		return false;
	if (!mark[0])
		return destination_refuse(db, err);
	if (!find_name(db, name, sizeof(name), &is_complete, err))
		return false;
	if (!str_eq(str_of(name), str_of(departure->name)))
		return err_set(err, ERR_CONFLICT,
			       "the database has what another move has begun: " DESTINATION_REMEDY);
	if (!schema_is_current(db, &is_current, err))
		return false;
	return is_current ||
	       err_set(err, ERR_CONFLICT,
		       "the move was begun by another version of callspool: " DESTINATION_REMEDY);
}

static bool add_row(struct db *db, const struct departure *departure, struct err *err)
{
	struct db_stmt *insert;

	if (!db_prepare(db,
			"INSERT INTO migration (name, is_complete, media, tab, k1, k2, k3) "
			"VALUES ($1, 0, 0, 0, NULL, NULL, NULL)",
			&insert, err))
		return false;
	db_bind_str(insert, 1, str_of(departure->name));
	return db_run_now(insert, err);
}

static bool make_tables(struct db *db, const struct departure *departure, struct err *err)
{
	struct schema_wait nobody = { 0 };

	return db_settle(db, err) && schema_migrate(db, &nobody, err) &&
	       schema_mark(db, SCHEMA_ARRIVING, "a ledger in a file", err) &&
	       db_exec(db,
		       "CREATE TABLE migration (name TEXT PRIMARY KEY, is_complete BIGINT NOT NULL, "
		       "media BIGINT NOT NULL, tab BIGINT NOT NULL, k1 TEXT, k2 TEXT, k3 TEXT)",
		       err) &&
	       add_row(db, departure, err);
}

bool arrival_begin(struct db *db, const struct departure *departure, bool looks, struct err *err)
{
	int64_t tables;

	if (!count(db,
		   "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() "
		   "AND tablename IN ('schema_version', 'calls', 'events', 'recordings')",
		   &tables, err))
		return false;
	if (tables > 0)
		return is_ours(db, departure, err);
	if (looks)
		return true;
	if (!db_begin(db, err))
		return false;
	if (make_tables(db, departure, err))
		return db_commit(db, err);
	db_rollback(db);
	return false;
}

/* ---- how far ---- */

bool arrival_find(struct db *db, const struct tables *tables, size_t *out_table,
		  struct table_place *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT];
	int64_t table;

	if (!db_prepare(db, "SELECT tab, k1, k2, k3 FROM migration", &find, err) ||
	    db_step(find, err) != DB_ROW)
		return false;
	*out = (struct table_place){ .is_begun = false };
	table = db_column_int(find, 0);
	if (table < 0 || (size_t)table > tables->count)
		return err_set(err, ERR_INTERNAL, "how far the move is cannot be read");
	*out_table = (size_t)table;
	if (*out_table == tables->count || db_column_is_null(find, 1))
		return true;
	for (int i = 0; i < TABLE_KEYS_MAX; i++)
		str_fit(db_column_str(find, i + 1), text[i], sizeof(text[i]));
	return table_place_read(tables, *out_table,
				(const char *const[]){ text[0], text[1], text[2] }, out) ||
	       err_set(err, ERR_INTERNAL, "how far the move is cannot be read");
}

bool arrival_set(struct db *db, const struct tables *tables, size_t table,
		 const struct table_place *place, struct err *err)
{
	char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT];
	struct db_stmt *update;

	if (!db_prepare(db, "UPDATE migration SET tab = $1, k1 = $2, k2 = $3, k3 = $4", &update,
			err))
		return false;
	db_bind_int(update, 1, (int64_t)table);
	if (table < tables->count && place->is_begun) {
		table_place_write(tables, table, place, text);
		for (int i = 0; i < TABLE_KEYS_MAX; i++)
			db_bind_str(update, i + 2, str_of(text[i]));
	}
	return db_run(update, err);
}

bool arrival_find_media(struct db *db, int64_t *out, struct err *err)
{
	return count(db, "SELECT media FROM migration", out, err);
}

bool arrival_set_media(struct db *db, int64_t id, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(db, "UPDATE migration SET media = $1", &update, err))
		return false;
	db_bind_int(update, 1, id);
	return db_run_now(update, err);
}

/* ---- the end of it ---- */

struct stand {
	int64_t seq, watermark, attempt;
	char counts[1024];
};

static bool read_stand(struct db *from, struct stand *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *turn = NULL;
	enum db_step step;

	*out = (struct stand){ .seq = 0 };
	if (!count(from, "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'attempts'",
		   &out->attempt, err) ||
	    !db_prepare(from, "SELECT seq, watermark, counts FROM turns ORDER BY seq DESC LIMIT 1",
			&turn, err))
		return false;
	step = db_step(turn, err);
	if (step != DB_ROW)
		return step == DB_DONE;
	out->seq = db_column_int(turn, 0);
	out->watermark = db_column_int(turn, 1);
	return str_copy(db_column_str(turn, 2), out->counts, sizeof(out->counts)) ||
	       err_set(err, ERR_INTERNAL, "the counters of the ledger are unreadable");
}

/* As catalog/turns.c writes them. */
static bool write_stand(struct db *db, const struct stand *stand, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *number = NULL;
	struct db_stmt *clear, *turn;

	if (!db_prepare(db, "DELETE FROM turns WHERE seq > $1", &clear, err))
		return false;
	db_bind_int(clear, 1, 0); /* of a switch that came to nothing */
	if (!db_run(clear, err) ||
	    !db_prepare(db,
			"INSERT INTO turns (seq, at_ms, watermark, counts) VALUES ($1, $2, $3, $4)",
			&turn, err))
		return false;
	db_bind_int(turn, 1, stand->seq + 1);
	db_bind_int(turn, 2, clock_wall_ms());
	db_bind_int(turn, 3, stand->watermark);
	db_bind_str(turn, 4, str_of(stand->counts));
	if (!db_run(turn, err) ||
	    !db_prepare(db, "SELECT setval(pg_get_serial_sequence('attempts', 'id'), $1)", &number,
			err))
		return false;
	db_bind_int(number, 1, stand->attempt > 0 ? stand->attempt : 1);
	return db_step(number, err) == DB_ROW;
}

static bool set_complete(struct db *db, const struct departure *departure, struct err *err)
{
	struct db_stmt *update;

	if (!db_prepare(db, "UPDATE migration SET is_complete = 1 WHERE name = $1", &update, err))
		return false;
	db_bind_str(update, 1, str_of(departure->name));
	if (!db_run_now(update, err))
		return false;
	return db_changes(db) == 1 ||
	       err_set(err, ERR_CONFLICT, "the database is another one than at the begin");
}

bool arrival_complete(struct db *db, struct db *from, const struct departure *departure,
		      struct err *err)
{
	struct stand stand;

	return read_stand(from, &stand, err) && write_stand(db, &stand, err) &&
	       set_complete(db, departure, err);
}

/* Where media moved along, the ledger itself says so: the file that does may be removed.  As chores/upkeep.h reads it. */
static bool set_moved_store(struct db *db, const struct departure *departure, struct err *err)
{
	char database[DEPARTURE_ADDRESS_SIZE], store[DEPARTURE_ADDRESS_SIZE];
	struct db_stmt *set;

	departure_addresses(departure->to, database, store);
	if (!store[0])
		return true;
	if (!db_prepare(
		    db,
		    "INSERT INTO upkeep (name, at_ms, count, detail) VALUES ('moved_store', 0, 0, $1) "
		    "ON CONFLICT (name) DO UPDATE SET detail = $1",
		    &set, err))
		return false;
	db_bind_str(set, 1, str_of(store));
	return db_run_now(set, err);
}

static bool open_it(struct db *db, const struct departure *departure, struct err *err)
{
	char name[DEPARTURE_NAME_SIZE];
	bool is_complete;

	if (!find_name(db, name, sizeof(name), &is_complete, err))
		return false;
	if (!str_eq(str_of(name), str_of(departure->name)) || !is_complete)
		return err_set(
			err, ERR_INVALID,
			"the database has a part of a ledger, and not of the one that was here");
	return set_moved_store(db, departure, err) && db_exec(db, "DELETE FROM migration", err) &&
	       schema_unmark(db, SCHEMA_ARRIVING, err);
}

/* Ours, for a database may have something else of that name. */
static bool is_there(struct db *db, bool *out, struct err *err)
{
	int64_t columns;

	if (!count(db,
		   "SELECT COUNT(*) FROM pg_attribute WHERE attrelid = to_regclass('migration') "
		   "AND attname IN ('is_complete', 'media', 'tab', 'k3')",
		   &columns, err))
		return false;
	*out = columns == 4;
	return true;
}

static bool drop_empty(struct db *db, struct err *err)
{
	int64_t rows;

	return db_exec(db, "SET LOCAL lock_timeout = '2s'", err) &&
	       count(db, "SELECT COUNT(*) FROM migration", &rows, err) &&
	       (rows > 0 || db_exec(db, "DROP TABLE migration", err));
}

/* Empty it is in nobody's way: where somebody reads it, as pg_dump does for as long as it runs, a later start removes it. */
static bool remove_empty(struct db *db, struct err *err)
{
	struct err why;
	bool is_left;

	if (!is_there(db, &is_left, err))
		return false;
	if (!is_left)
		return true;
	if (!db_begin(db, err))
		return false;
	if (drop_empty(db, &why))
		return db_commit(db, err);
	db_rollback(db);
	log_info(NULL, "the empty table 'migration' stays until the next start: %s", why.text);
	return true;
}

bool arrival_open(const char *address, const struct departure *departure, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;
	char mark[SCHEMA_MARK_SIZE];

	if (!db_open(address, DB_WRITE, &db, err) || !schema_marked(db, SCHEMA_ARRIVING, mark, err))
		return false;
	if (!mark[0])
		return remove_empty(db, err);
	if (!db_begin(db, err))
		return false;
	if (open_it(db, departure, err))
		return db_commit(db, err) && remove_empty(db, err);
	db_rollback(db);
	return false;
}
