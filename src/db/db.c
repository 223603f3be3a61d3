#include "db/db.h"

#include <assert.h>

#include "base/mem.h"
#include "db/db_driver.h"

/* By what an address begins with; all others are paths. */
static const struct {
	const char *prefix;
	const struct db_driver *driver;
} drivers[] = {
	{ "postgresql://", &db_postgres_driver },
	{ "postgres://", &db_postgres_driver },
};

static const struct db_driver *driver_of(const char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (str_starts(str_of(address), str_of(drivers[i].prefix)))
			return drivers[i].driver;
	return &db_sqlite_driver;
}

enum db_dialect db_dialect_of(const char *address)
{
	return driver_of(address)->dialect;
}

bool db_open(const char *address, enum db_mode mode, struct db **out, struct err *err)
{
	const struct db_driver *driver = driver_of(address);
	struct db *db;

	if (!driver->open(address, mode, &db, err))
		return false;
	db->driver = driver;
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

void db_bind_list(struct db_stmt *stmt, int n, const struct str *texts, size_t count)
{
	stmt->is_used = true;
	stmt->db->driver->bind_list(stmt, n, texts, count);
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

bool db_ask(struct db_stmt *stmt, struct err *err)
{
	if (!stmt->db->driver->ask)
		return true;
	stmt->is_used = true;
	return stmt->db->driver->ask(stmt, err);
}

enum db_step db_step(struct db_stmt *stmt, struct err *err)
{
	stmt->is_used = true;
	return stmt->db->driver->step(stmt, err);
}

void db_rewind(struct db_stmt *stmt)
{
	stmt->db->driver->rewind(stmt);
}

bool db_run(struct db_stmt *stmt, struct err *err)
{
	enum db_step step;

	if (stmt->db->driver->run) {
		bool was_sent;

		stmt->is_used = true;
		was_sent = stmt->db->driver->run(stmt, err);
		db_stmt_reset(stmt);
		return was_sent;
	}
	do
		step = db_step(stmt, err);
	while (step == DB_ROW);
	db_stmt_reset(stmt);
	return step == DB_DONE;
}

bool db_run_now(struct db_stmt *stmt, struct err *err)
{
	struct db *db = stmt->db;

	return db_run(stmt, err) && db_catch_up(db, err);
}

bool db_catch_up(struct db *db, struct err *err)
{
	return !db->driver->catch_up || db->driver->catch_up(db, err);
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

bool db_is_in_doubt(const struct db *db)
{
	return db->driver->is_in_doubt && db->driver->is_in_doubt(db);
}

uint64_t db_connection(const struct db *db)
{
	return db->driver->connection ? db->driver->connection(db) : 0;
}

int db_socket(const struct db *db)
{
	return db->driver->socket ? db->driver->socket(db) : -1;
}

bool db_has_notice(struct db *db)
{
	return db->driver->has_notice && db->driver->has_notice(db);
}

bool db_is_nameless(const struct db *db)
{
	return db->driver->is_nameless && db->driver->is_nameless(db);
}

bool db_is_unreachable(const struct db *db)
{
	return db->driver->is_unreachable && db->driver->is_unreachable(db);
}

uint64_t db_waits(const struct db *db)
{
	return db->driver->waits ? db->driver->waits(db) : 0;
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
