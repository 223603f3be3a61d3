#include "chores/upkeep.h"

#include "base/buf.h"
#include "base/hash.h"
#include "catalog/catalog_sql.h"

bool upkeep_find(struct catalog *catalog, const char *name, struct upkeep *out, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	*out = (struct upkeep){ .at_ms = 0 };
	if (!db_prepare(catalog_db(catalog), "SELECT at_ms, count FROM upkeep WHERE name = $1",
			&find, err))
		return false;
	db_bind_str(find, 1, str_of(name));
	step = db_step(find, err);
	if (step == DB_ROW)
		*out = (struct upkeep){ .at_ms = db_column_int(find, 0),
					.count = db_column_int(find, 1) };
	return step != DB_FAILED;
}

bool upkeep_set(struct catalog *catalog, const char *name, const struct upkeep *row,
		struct err *err)
{
	struct db_stmt *set;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO upkeep (name, at_ms, count, detail) VALUES ($1, $2, $3, '') "
			"ON CONFLICT (name) DO UPDATE SET at_ms = $2, count = $3",
			&set, err))
		return false;
	db_bind_str(set, 1, str_of(name));
	db_bind_int(set, 2, row->at_ms);
	db_bind_int(set, 3, row->count);
	return db_run(set, err);
}

bool upkeep_pause_purge(struct catalog *catalog, enum upkeep_pause why, struct err *err)
{
	const struct upkeep row = { .at_ms = 1, .count = why };

	return upkeep_set(catalog, UPKEEP_PURGE_PAUSE, &row, err);
}

static bool find_detail(struct catalog *catalog, const char *name, char *out, size_t size,
			struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), "SELECT detail FROM upkeep WHERE name = $1", &find,
			err))
		return false;
	db_bind_str(find, 1, str_of(name));
	step = db_step(find, err);
	out[0] = '\0';
	if (step == DB_ROW)
		str_fit(db_column_str(find, 0), out, size);
	return step != DB_FAILED;
}

bool upkeep_find_id(struct catalog *catalog, const char *name, char out[UPKEEP_ID_SIZE],
		    struct err *err)
{
	return find_detail(catalog, name, out, UPKEEP_ID_SIZE, err);
}

bool upkeep_find_text(struct catalog *catalog, const char *name, char out[UPKEEP_TEXT_SIZE],
		      struct err *err)
{
	return find_detail(catalog, name, out, UPKEEP_TEXT_SIZE, err);
}

bool upkeep_set_text(struct catalog *catalog, const char *name, const char *text, struct err *err)
{
	struct db_stmt *set;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO upkeep (name, at_ms, count, detail) VALUES ($1, 0, 0, $2) "
			"ON CONFLICT (name) DO UPDATE SET detail = $2",
			&set, err))
		return false;
	db_bind_str(set, 1, str_of(name));
	db_bind_str(set, 2, str_of(text));
	return db_run(set, err);
}

bool upkeep_set_id(struct catalog *catalog, const char *name, const char *id, struct err *err)
{
	struct db_stmt *set;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog),
			"INSERT INTO upkeep (name, at_ms, count, detail) VALUES ($1, 0, 0, $2) "
			"ON CONFLICT (name) DO NOTHING",
			&set, err))
		return false;
	db_bind_str(set, 1, str_of(name));
	db_bind_str(set, 2, str_of(id));
	return db_run(set, err);
}

bool upkeep_make_id(struct catalog *catalog, const char *name, char out[UPKEEP_ID_SIZE],
		    struct err *err)
{
	uint8_t random[(UPKEEP_ID_SIZE - 1) / 2];
	char id[UPKEEP_ID_SIZE];
	struct buf hex;

	random_bytes(random, sizeof(random));
	buf_over(&hex, id, sizeof(id));
	hex_add(&hex, random, sizeof(random));
	return upkeep_set_id(catalog, name, id, err) && upkeep_find_id(catalog, name, out, err);
}

bool upkeep_last_write(struct catalog *catalog, int64_t *out_ms, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog), "SELECT at_ms FROM turns ORDER BY seq DESC LIMIT 1",
			&find, err))
		return false;
	step = db_step(find, err);
	*out_ms = step == DB_ROW ? db_column_int(find, 0) : 0;
	return step != DB_FAILED;
}
