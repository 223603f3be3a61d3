#include "cluster/roll.h"

#include "catalog/catalog_sql.h"

static bool is_on_server(const struct catalog *catalog, struct err *err)
{
	return !catalog_is_local(catalog) ||
	       err_set(err, ERR_INVALID, "the ledger is a file of one process");
}

/*
 * The last turn says of each stream how far it was projected, as "17=1200 19=4"; its newest event has the highest number,
 * and numbers of a stream have no gaps to speak of.
 */
#define MARKS                                                                        \
	"WITH marks AS (SELECT CAST(split_part(mark, '=', 1) AS BIGINT) AS stream, " \
	"CAST(split_part(mark, '=', 2) AS BIGINT) AS seq FROM "                      \
	"(SELECT unnest(string_to_array(streams, ' ')) AS mark FROM "                \
	"(SELECT streams FROM turns ORDER BY seq DESC LIMIT 1) AS newest) AS each_mark) "

static void read_row(const struct db_stmt *row, struct roll_row *out)
{
	out->id = db_column_int(row, 0);
	text_set(out->version, sizeof(out->version), db_column_str(row, 1));
	text_set(out->place, sizeof(out->place), db_column_str(row, 2));
	out->started_at_ms = db_column_int(row, 3);
	out->beat = db_column_int(row, 4);
	out->standing = (struct member_standing){ .is_clock_known = !db_column_is_null(row, 5),
						  .clock_ahead_ms = db_column_int(row, 5),
						  .hears = db_column_int(row, 6) != 0,
						  .prepares = db_column_int(row, 7) != 0 };
	out->leases = db_column_int(row, 8);
	out->events_waiting = db_column_int(row, 9);
	text_set(out->address, sizeof(out->address), db_column_str(row, 10));
	if (out->events_waiting < 0)
		out->events_waiting = 0; /* its events are gone, as those of long ago are */
}

static bool count_behind(struct catalog *catalog, int64_t *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!db_prepare(catalog_db(catalog),
			MARKS "SELECT COUNT(*) FROM marks WHERE EXISTS (SELECT 1 FROM events "
			      "WHERE events.stream = marks.stream AND events.seq > marks.seq)",
			&count, err) ||
	    db_step(count, err) != DB_ROW)
		return false;
	*out = db_column_int(count, 0);
	return true;
}

bool roll_read(struct catalog *catalog, struct roll *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	enum db_step step = DB_DONE;

	out->count = 0;
	if (!is_on_server(catalog, err) || !count_behind(catalog, &out->streams_behind, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    MARKS
		    "SELECT p.id, p.version, p.place, p.started_at_ms, p.beat, p.clock_ahead_ms, "
		    "p.hears, p.prepares, "
		    "(SELECT COUNT(*) FROM leases WHERE leases.process_id = p.id), "
		    "(SELECT MAX(events.seq) FROM events WHERE events.stream = p.id) - "
		    "(SELECT MAX(marks.seq) FROM marks WHERE marks.stream = p.id), p.address "
		    "FROM processes AS p ORDER BY p.id",
		    &list, err))
		return false;
	while (out->count < MEMBERS_MAX && (step = db_step(list, err)) == DB_ROW)
		read_row(list, &out->at[out->count++]);
	return step != DB_FAILED;
}

bool roll_count(struct catalog *catalog, int64_t process, struct roll_sums *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *count = NULL;

	if (!is_on_server(catalog, err) || !count_behind(catalog, &out->streams_behind, err) ||
	    !db_prepare(catalog_db(catalog),
			"SELECT (SELECT COUNT(*) FROM processes), "
			"(SELECT COUNT(*) FROM leases WHERE process_id = $1)",
			&count, err))
		return false;
	db_bind_int(count, 1, process);
	if (db_step(count, err) != DB_ROW)
		return false;
	out->processes = db_column_int(count, 0);
	out->leases = db_column_int(count, 1);
	return true;
}

static bool is_on(const struct db_stmt *row, int column)
{
	return str_eq(db_column_str(row, column), STR("on"));
}

bool durability_read(struct catalog *catalog, struct durability *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	if (!is_on_server(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"SELECT current_setting('fsync'), current_setting('full_page_writes'), "
			"current_setting('synchronous_commit'), "
			"current_setting('synchronous_standby_names'), "
			"(SELECT COUNT(*) FROM pg_stat_replication), "
			"current_setting('server_version')",
			&find, err) ||
	    db_step(find, err) != DB_ROW)
		return false;
	out->has_fsync = is_on(find, 0);
	out->has_full_page_writes = is_on(find, 1);
	text_set(out->synchronous_commit, sizeof(out->synchronous_commit), db_column_str(find, 2));
	text_set(out->standby_names, sizeof(out->standby_names), db_column_str(find, 3));
	out->standbys = db_column_int(find, 4);
	text_set(out->server_version, sizeof(out->server_version), db_column_str(find, 5));
	return true;
}
