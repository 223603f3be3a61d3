#include "db/db.h"

#include <assert.h>

#include "base/mem.h"
#include "db/db_driver.h"

bool db_open(const char *address, enum db_mode mode, struct db **out, struct err *err)
{
	struct str text = str_of(address);
	struct db *db;

	if (str_starts(text, STR("postgresql:")) || str_starts(text, STR("postgres:")))
		return err_set(err, ERR_INVALID, "this build has no PostgreSQL driver");
	if (!db_sqlite_driver.open(address, mode, &db, err))
		return false;
	db->driver = &db_sqlite_driver;
	db->mode = mode;
	*out = db;
	return true;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < DB_CACHE_SLOTS; i++)
		if (db->cache[i])
			db->driver->finalize(db->cache[i]);
	db->driver->free(db);
}

enum db_dialect db_dialect(const struct db *db)
{
	return db->driver->dialect;
}

bool db_exec(struct db *db, const char *sql, struct err *err)
{
	return db->driver->exec(db, sql, err);
}

/*
 * Literals do not move, so the address names the text.  The same text in two files
 * may be two statements; that costs a slot and nothing else.
 */
static struct db_stmt **cache_slot(struct db *db, const char *sql)
{
	size_t at = (size_t)(((uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 40);

	for (;; at++) {
		struct db_stmt **slot = &db->cache[at & (DB_CACHE_SLOTS - 1)];

		if (!*slot || (*slot)->sql == sql)
			return slot;
	}
}

bool db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err)
{
	struct db_stmt **slot = cache_slot(db, sql);

	if (!*slot) {
		struct db_stmt *stmt;

		assert(db->cached < DB_CACHE_SLOTS / 2); /* texts are literals: finitely many */
		if (!db->driver->prepare(db, sql, &stmt, err))
			return false;
		stmt->db = db;
		stmt->sql = sql;
		*slot = stmt;
		db->cached++;
	}
	assert(!(*slot)->is_used); /* two users at once: somebody has not reset it */
	*out = *slot;
	return true;
}

void db_bind_str(struct db_stmt *stmt, int n, struct str value)
{
	stmt->is_used = true;
	stmt->db->driver->bind_str(stmt, n, value);
}

void db_bind_bytes(struct db_stmt *stmt, int n, struct str value)
{
	stmt->is_used = true;
	stmt->db->driver->bind_bytes(stmt, n, value);
}

void db_bind_int(struct db_stmt *stmt, int n, int64_t value)
{
	stmt->is_used = true;
	stmt->db->driver->bind_int(stmt, n, value);
}

void db_bind_null(struct db_stmt *stmt, int n)
{
	db_bind_str(stmt, n, STR_NONE);
}

enum db_step db_step(struct db_stmt *stmt, struct err *err)
{
	stmt->is_used = true;
	return stmt->db->driver->step(stmt, err);
}

bool db_run(struct db_stmt *stmt, struct err *err)
{
	enum db_step step;

	do
		step = db_step(stmt, err);
	while (step == DB_ROW);
	db_stmt_reset(stmt);
	return step == DB_DONE;
}

int64_t db_changes(const struct db *db)
{
	return db->driver->changes(db);
}

struct str db_column_str(const struct db_stmt *stmt, int column)
{
	return stmt->db->driver->column_str(stmt, column);
}

int64_t db_column_int(const struct db_stmt *stmt, int column)
{
	return stmt->db->driver->column_int(stmt, column);
}

bool db_column_is_null(const struct db_stmt *stmt, int column)
{
	return stmt->db->driver->column_is_null(stmt, column);
}

void db_stmt_reset(struct db_stmt *stmt)
{
	if (!stmt || !stmt->is_used)
		return;
	stmt->db->driver->reset(stmt);
	stmt->is_used = false;
}

bool db_begin(struct db *db, struct err *err)
{
	assert(!db_in_transaction(db));
	return db->driver->begin(db, err);
}

bool db_commit(struct db *db, struct err *err)
{
	return db->driver->commit(db, err);
}

void db_rollback(struct db *db)
{
	if (db_in_transaction(db))
		db->driver->rollback(db);
}

bool db_in_transaction(const struct db *db)
{
	return db->driver->in_transaction(db);
}

bool db_settle(struct db *db, struct err *err)
{
	assert(db->mode == DB_WRITE && db_in_transaction(db));
	return db->driver->settle(db, err);
}

bool db_checkpoint(struct db *db, int64_t *out_left_bytes, struct err *err)
{
	return db->driver->checkpoint(db, out_left_bytes, err);
}

int64_t db_log_bytes(const struct db *db)
{
	return db->driver->log_bytes(db);
}

bool db_copy(struct db *db, const char *path, struct progress *progress, struct err *err)
{
	assert(db->mode == DB_READ && db_in_transaction(db));
	return db->driver->copy(db, path, progress, err);
}
