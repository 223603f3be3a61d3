#include "catalog/processes.h"

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/catalog_private.h"
#include "schema/schema.h"

#include <stdlib.h>

static bool add_row(struct catalog *catalog, const struct member_place *place, int64_t *out_id,
		    struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *insert = NULL;

	if (!db_prepare(catalog->db,
			"INSERT INTO processes (version, started_at_ms, beat, place, schema_known, "
			"address, token) VALUES ($1, $2, 0, $3, $4, $5, $6) RETURNING id",
			&insert, err))
		return false;
	db_bind_str(insert, 1, STR(CALLSPOOL_VERSION));
	db_bind_int(insert, 2, clock_wall_ms());
	bind_text(insert, 3, place->name);
	db_bind_int(insert, 4, schema_known());
	bind_text(insert, 5, place->address);
	bind_text(insert, 6, place->token);
	if (db_step(insert, err) != DB_ROW)
		return false;
	*out_id = db_column_int(insert, 0);
	return true;
}

bool catalog_find_orphans(struct catalog *catalog, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *list = NULL;
	bool is_alive[STREAMS_MAX] = { false };
	enum db_step step;

	if (!db_prepare(catalog->db, "SELECT id FROM processes", &list, err))
		return false;
	while ((step = db_step(list, err)) == DB_ROW) {
		const struct stream_mark *stream = stream_find(catalog, db_column_int(list, 0));

		if (stream)
			is_alive[stream - catalog->streams] = true;
	}
	for (size_t i = 0; i < catalog->stream_count && step == DB_DONE; i++)
		if (!is_alive[i])
			stream_adopt(catalog, catalog->streams[i].stream);
	return step == DB_DONE;
}

static bool enlist(struct catalog *catalog, const struct member_place *place, int64_t *out_id,
		   struct err *err)
{
	if (!catalog_begin(catalog, err))
		return false;
	if (!schema_check(catalog->db, err) || !add_row(catalog, place, out_id, err) ||
	    !stream_begin(catalog, *out_id, err) || !catalog_find_orphans(catalog, err)) {
		catalog_rollback(catalog);
		return false;
	}
	return catalog_commit(catalog, err);
}

bool catalog_enlist(struct catalog *catalog, const struct member_place *place, struct err *err)
{
	int64_t before = catalog->process_id, id = 0;

	if (catalog_is_local(catalog))
		return true;
	catalog->process_id = 0; /* its fence is of before */
	if (!enlist(catalog, place, &id, err)) {
		catalog->process_id = before;
		return false;
	}
	catalog_enlist_as(catalog, id, place->name);
	catalog->writer_id = id;
	return true;
}

void catalog_enlist_as(struct catalog *catalog, int64_t process, const char *place)
{
	free(catalog->place);
	catalog->place = place ? xstrdup(place) : NULL;
	catalog->process_id = process;
	catalog->is_numbered = false;
}

void bind_own_process(struct db_stmt *stmt, const struct catalog *catalog)
{
	db_bind_int(stmt, 1, catalog->process_id);
	db_bind_int(stmt, 2, schema_known());
	bind_text(stmt, 3, catalog->place);
}

int64_t catalog_process(const struct catalog *catalog)
{
	return catalog->process_id;
}

bool catalog_process_lives(struct catalog *catalog, int64_t process, bool *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog->db, "SELECT 1 FROM processes WHERE id = $1", &find, err))
		return false;
	db_bind_int(find, 1, process);
	step = db_step(find, err);
	*out = step == DB_ROW;
	return step != DB_FAILED;
}

void catalog_end_stream(struct catalog *catalog)
{
	stream_end(catalog, catalog->process_id);
}

/*
 * By an error, for then whatever else was sent behind it is not done either, and costs no round trip: a division where the row is
 * gone, the root of a negative number where others have left what this program knows behind (db_postgres_link.c).  Who ends a
 * process does so in a turn, so that a turn needs no more than a look; a quick transaction keeps its row until it has come
 * to its end.
 */
#define FENCE(rows)                                                               \
	"SELECT sqrt($2 - (SELECT COALESCE(oldest, version) FROM schema_version " \
	"ORDER BY version DESC LIMIT 1)), 1 / COUNT(*) FROM " rows

bool process_fence(struct catalog *catalog, struct err *err)
{
	struct db_stmt *look;

	if (catalog->process_id == 0)
		return true;
	if (!db_prepare(catalog->db,
			catalog->mode == CATALOG_QUICK
				? FENCE("(SELECT 1 FROM processes WHERE " OWN_PROCESS
					" FOR KEY SHARE) AS own")
				: FENCE("processes WHERE " OWN_PROCESS),
			&look, err))
		return false;
	bind_own_process(look, catalog);
	return db_run(look, err);
}
