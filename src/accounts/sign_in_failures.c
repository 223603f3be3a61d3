#include "accounts/sign_in_failures.h"

#include "catalog/catalog_sql.h"

#define PRUNE_EACH \
	256 /* failures: the table is looked at so often, and may be so much over its limit */

bool sign_in_failures_find(struct catalog *catalog, struct str key, struct sign_in_failures *out,
			   struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	enum db_step step;

	if (!db_prepare(catalog_db(catalog),
			"SELECT failures, at_ms FROM sign_in_failures WHERE name_hash = $1", &find,
			err))
		return false;
	db_bind_str(find, 1, key);
	step = db_step(find, err);
	if (step == DB_FAILED)
		return false;
	*out = (struct sign_in_failures){ .count = 0 };
	if (step == DB_ROW)
		*out = (struct sign_in_failures){ .count = db_column_int(find, 0),
						  .at_ms = db_column_int(find, 1) };
	return true;
}

static bool prune(struct catalog *catalog, struct err *err)
{
	struct db_stmt *drop;

	if (!db_prepare(catalog_db(catalog),
			"DELETE FROM sign_in_failures WHERE name_hash IN (SELECT f.name_hash FROM "
			"sign_in_failures f ORDER BY f.at_ms DESC LIMIT $1 OFFSET $2)",
			&drop, err))
		return false;
	db_bind_int(drop, 1, PRUNE_EACH);
	db_bind_int(drop, 2, SIGN_IN_FAILURES_MAX);
	return db_run(drop, err);
}

bool sign_in_failures_add(struct catalog *catalog, struct str key, int64_t at_ms, struct err *err)
{
	struct db_stmt *add;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(
		    catalog_db(catalog),
		    "INSERT INTO sign_in_failures (name_hash, failures, at_ms) VALUES ($1, 1, $2) "
		    "ON CONFLICT (name_hash) DO UPDATE SET "
		    "failures = sign_in_failures.failures + 1, at_ms = excluded.at_ms",
		    &add, err))
		return false;
	db_bind_str(add, 1, key);
	db_bind_int(add, 2, at_ms);
	return db_run(add, err) && (at_ms % PRUNE_EACH != 0 || prune(catalog, err));
}

bool sign_in_failures_clear(struct catalog *catalog, struct str key, struct err *err)
{
	struct db_stmt *drop;

	if (!catalog_may_change(catalog, err) ||
	    !db_prepare(catalog_db(catalog), "DELETE FROM sign_in_failures WHERE name_hash = $1",
			&drop, err))
		return false;
	db_bind_str(drop, 1, key);
	return db_run(drop, err);
}
