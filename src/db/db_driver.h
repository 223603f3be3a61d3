/*
 * What a database has to be able to do: implemented by db_sqlite.c and db_postgres.c.
 * Only db.c and drivers include this.
 *
 * The functions mean what their namesakes in db.h say.  A driver embeds struct db
 * and struct db_stmt as the first thing in its own structs and finds itself with
 * container_of.  The statement cache and the choice of the driver are db.c's.
 */
#pragma once

#include "db/db.h"

#define DB_CACHE_SLOTS 1024 /* a power of two; at most half are used */

struct db {
	const struct db_driver *driver;
	enum db_mode mode;
	struct db_stmt *cache[DB_CACHE_SLOTS]; /* by the address of the text, open addressing */
	size_t cached;
};

struct db_stmt {
	struct db *db;
	const char *sql; /* the caller's literal */
	bool is_used;    /* bound or stepped since its last reset */
};

struct db_driver {
	enum db_dialect dialect;
	bool (*open)(const char *address, enum db_mode mode, struct db **out, struct err *err);
	void (*free)(struct db *db); /* the cache is empty by then */
	bool (*exec)(struct db *db, const char *sql, struct err *err);
	bool (*prepare)(struct db *db, const char *sql, struct db_stmt **out, struct err *err);
	void (*finalize)(struct db_stmt *stmt);
	void (*bind_str)(struct db_stmt *stmt, int n, struct str value);
	void (*bind_bytes)(struct db_stmt *stmt, int n, struct str value);
	void (*bind_list)(struct db_stmt *stmt, int n, const struct str *texts,
			  size_t count); /* NULL: it has none */
	void (*bind_int)(struct db_stmt *stmt, int n, int64_t value);
	bool (*ask)(struct db_stmt *stmt, struct err *err); /* NULL: the step does it all */
	enum db_step (*step)(struct db_stmt *stmt, struct err *err);
	void (*rewind)(struct db_stmt *stmt);
	/* NULL, both: a statement is stepped to its end, and has run then. */
	bool (*run)(struct db_stmt *stmt, struct err *err);
	bool (*catch_up)(struct db *db, struct err *err);
	bool (*is_in_doubt)(const struct db *db); /* NULL: never */
	/* NULL, all three: nobody can tell anything. */
	uint64_t (*connection)(const struct db *db);
	int (*socket)(const struct db *db);
	bool (*has_notice)(struct db *db);
	/* NULL, both: never. */
	bool (*is_nameless)(const struct db *db);
	bool (*is_unreachable)(const struct db *db);
	uint64_t (*waits)(const struct db *db); /* NULL: there is nobody to wait for */
	void (*reset)(struct db_stmt *stmt);
	int64_t (*changes)(const struct db *db);
	struct str (*column_str)(const struct db_stmt *stmt, int column);
	int64_t (*column_int)(const struct db_stmt *stmt, int column);
	bool (*column_is_null)(const struct db_stmt *stmt, int column);
	bool (*begin)(struct db *db, struct err *err);
	bool (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	bool (*in_transaction)(const struct db *db);
	bool (*settle)(struct db *db, struct err *err);
	bool (*checkpoint)(struct db *db, int64_t *out_left_bytes, struct err *err);
	int64_t (*log_bytes)(const struct db *db);
	bool (*copy)(struct db *db, const char *path, struct progress *progress, struct err *err);
};

extern const struct db_driver db_sqlite_driver;
extern const struct db_driver db_postgres_driver;
