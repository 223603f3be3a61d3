/*
 * SQLite, set up for one writer and several readers of one file.
 *
 * Durable: WAL with synchronous=FULL, so that a commit that returned is one fsync of
 * the log and survives power loss.  (NORMAL would sync only at checkpoints and lose
 * the last commits; a webhook answered with 200 must not be among those.)
 *
 * Readers open the file read-only and see the snapshot of their transaction; the
 * writer never waits for them nor they for it.
 *
 * Checkpoints copy the log into the file and sync it, which takes long when the log
 * is long.  SQLite would do that inside some unlucky commit.  Here it happens when
 * db_checkpoint() is called; LOG_PAGES_LIMIT is only a net below a caller who forgets.
 *
 * SQLite takes $1 as the *name* of a parameter and numbers parameters by where they
 * first stand.  So each statement keeps a table from our number to SQLite's.
 */
#include "db/db_driver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "db/db_sqlite_private.h"

/*
 * How long to wait for a lock that another process holds: a command working on the
 * ledger directly.  Within one server there is one writer, which waits for nobody.
 */
#define BUSY_TIMEOUT_MS 10000
#define FILE_MODE       0640
/*
 * In KiB.  Small, because the kernel's page cache stands behind: with a million calls
 * 16 MiB gave the writer the same speed as 64, and 8 gave readers the same as a map of
 * the whole file.  (Maps were rejected: a failed read would be a signal instead of an
 * error, and they make the process look as large as the ledger.)
 */
#define WRITER_CACHE    "PRAGMA cache_size = -16384;"
#define READER_CACHE    "PRAGMA cache_size = -8192;"
#define LOG_PAGES_LIMIT 262144 /* 1 GiB */
#define WRITER_PRAGMAS                                                                    \
	"PRAGMA synchronous = FULL;"                                                      \
	"PRAGMA foreign_keys = ON;"                                                       \
	"PRAGMA secure_delete = ON;" /* what gave access is wiped; Debian builds it so */ \
	"PRAGMA journal_size_limit = 134217728;" /* a log begun anew is cut to this */    \
		WRITER_CACHE
#define READER_PRAGMAS "PRAGMA query_only = ON;" READER_CACHE

struct sqlite_db {
	struct db db;
	sqlite3 *handle;
	int64_t log_pages; /* after this connection's last commit; 0: all of it is moved */
	int64_t page_bytes;
	int moved_badly; /* SQLite's code, or 0: a checkpoint of after_commit() may have lost what it moved */
};

struct sqlite_stmt {
	struct db_stmt stmt;
	sqlite3_stmt *handle;
	int bind_failed;                         /* SQLite's code, or 0 */
	uint8_t index_of[DB_PARAMETERS_MAX + 1]; /* $n -> SQLite's index; 0: no such parameter */
};

static struct sqlite_db *sqlite_db(const struct db *db)
{
	return container_of((struct db *)(uintptr_t)db, struct sqlite_db, db);
}

static struct sqlite_stmt *sqlite_stmt(const struct db_stmt *stmt)
{
	return container_of((struct db_stmt *)(uintptr_t)stmt, struct sqlite_stmt, stmt);
}

enum err_kind sqlite_kind_of(int code, int os_errno)
{
	/* Whatever the reason, the kernel has dropped what was to be synced. */
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		return ERR_INTERNAL;
	/* No descriptor is left; and, of a file system that was made read-only, nothing was lost: it is tried again. */
	if (os_errno == EMFILE || os_errno == ENFILE)
		return ERR_SCARCE;
	if (os_errno == EROFS)
		return ERR_UNAVAILABLE;
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	case SQLITE_READONLY:
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_UNAVAILABLE;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: /* of the log, or its index */
		return os_errno == ENOSPC || os_errno == EDQUOT ? ERR_UNAVAILABLE : ERR_INTERNAL;
	default:
		return ERR_INTERNAL;
	}
}

static bool is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static int errno_of(sqlite3_file *file)
{
	int number = 0;

	if (file && file->pMethods)
		(void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

/*
 * Of a COMMIT that failed sqlite3_system_errno() is that of something before.  Of the files each keeps its own: asked for a write alone,
 * of which nothing was kept, so that what is stale of the other file does no harm.
 */
static int system_errno(const struct sqlite_db *self, int code)
{
	sqlite3_file *file = NULL, *log = NULL;

	if (code != SQLITE_IOERR_WRITE)
		return sqlite3_system_errno(self->handle);
	(void)sqlite3_file_control(self->handle, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
	(void)sqlite3_file_control(self->handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (errno_of(file) == EROFS || errno_of(log) == EROFS)
		return EROFS;
	/* A quota: of a full disk alone SQLite has a code of its own. */
	if (errno_of(file) == EDQUOT || errno_of(log) == EDQUOT)
		return EDQUOT;
	return sqlite3_system_errno(self->handle);
}

static bool failed(const struct sqlite_db *self, int code, struct err *err)
{
	int number = system_errno(self, code);
	const char *more = is_damage(code)   ? " (damaged: see callspool rebuild)"
			   : number == EROFS ? " (the file system is read-only)"
					     : "";

	return err_set(err, sqlite_kind_of(code, number), "SQLite: %s%s",
		       sqlite3_errmsg(self->handle), more);
}

static bool sqlite_exec(struct db *db, const char *sql, struct err *err)
{
	struct sqlite_db *self = sqlite_db(db);
	int code = sqlite3_exec(self->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || failed(self, code, err);
}

/*
 * Called after each commit of this connection; replaces SQLite's own automatic checkpoint.  One that fails for want of room leaves
 * the log as it is; anything else may be a sync that failed, of what is not moved again (ledger/checkpointer.c).
 */
static int after_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
	struct sqlite_db *self = context;

	self->log_pages = pages;
	if (pages >= LOG_PAGES_LIMIT) {
		int code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL,
						     NULL);

		if (code != SQLITE_OK &&
		    sqlite_kind_of(code, system_errno(self, code)) == ERR_INTERNAL)
			self->moved_badly = code;
	}
	return SQLITE_OK;
}

/* A file of our mode; SQLite gives log and index the mode of the file.  Its name is synced by settle(). */
static bool create_file(const char *path, struct err *err)
{
	AUTO(close) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

	if (fd < 0 && errno == EEXIST)
		return true;
	if (fd < 0)
		return err_errno(err, "cannot create '%s'", path);
	if (fchmod(fd, FILE_MODE) < 0)
		return err_errno(err, "cannot set the mode of '%s'", path);
	return true;
}

/* One pragma with one number as its answer. */
static bool ask(struct sqlite_db *self, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(self->handle, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || failed(self, code, err);
}

static bool set_up_writer(struct sqlite_db *self, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool is_wal = false;

	if (sqlite3_prepare_v2(self->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		is_wal = str_eq_nocase(str_of((const char *)sqlite3_column_text(stmt, 0)),
				       STR("wal"));
	sqlite3_finalize(stmt);
	if (!is_wal && sqlite3_errcode(self->handle) != SQLITE_OK)
		return failed(self, sqlite3_errcode(self->handle), err);
	if (!is_wal)
		return err_set(err, ERR_INTERNAL, "the file system does not support SQLite's WAL");
	sqlite3_wal_hook(self->handle, after_commit, self);
	return sqlite_exec(&self->db, WRITER_PRAGMAS, err);
}

static bool set_up_reader(struct sqlite_db *self, struct err *err)
{
	return sqlite_exec(&self->db, READER_PRAGMAS, err);
}

static void sqlite_free(struct db *db)
{
	struct sqlite_db *self = sqlite_db(db);

	sqlite3_close(self->handle); /* rolls back; accepts NULL */
	free(self);
}

static bool set_up(struct sqlite_db *self, const char *path, enum db_mode mode, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    (mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code = sqlite3_open_v2(path, &self->handle, flags, NULL);

	if (code != SQLITE_OK)
		return failed(self, code, err);
	sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT_MS);
	/* A misspelt name is an error, not a text; the file's schema is not trusted with functions. */
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(self->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (!sqlite_exec(&self->db, "PRAGMA temp_store = MEMORY", err))
		return false;
	if (!(mode == DB_WRITE ? set_up_writer(self, err) : set_up_reader(self, err)))
		return false;
	return ask(self, "PRAGMA page_size", &self->page_bytes, err);
}

/*
 * SQLite counts the bytes that it allocates, under a lock that all connections share; nobody
 * reads the counts.  Without them a webhook costs the writer a twelfth less.
 */
static void stop_counting(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool sqlite_open(const char *path, enum db_mode mode, struct db **out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_db *self;

	pthread_once(&once, stop_counting); /* has an effect only before SQLite is used at all */
	if (mode == DB_WRITE && !create_file(path, err))
		return false;
	if (mode == DB_READ && access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no '%s'", path);
	self = xcalloc(1, sizeof(*self));
	if (!set_up(self, path, mode, err)) {
		sqlite_free(&self->db);
		return err_context(err, "cannot open '%s'", path);
	}
	*out = &self->db;
	return true;
}

static void sqlite_finalize(struct db_stmt *stmt)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);

	sqlite3_finalize(self->handle);
	free(self);
}

static bool sqlite_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err)
{
	struct sqlite_db *owner = sqlite_db(db);
	struct sqlite_stmt *self = xcalloc(1, sizeof(*self));
	int code = sqlite3_prepare_v3(owner->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
				      &self->handle, NULL);

	if (code != SQLITE_OK) {
		free(self);
		return failed(owner, code, err);
	}
	for (int n = 1; n <= DB_PARAMETERS_MAX; n++) {
		char name[16];

		snprintf(name, sizeof(name), "$%d", n);
		self->index_of[n] = (uint8_t)sqlite3_bind_parameter_index(self->handle, name);
	}
	*out = &self->stmt;
	return true;
}

static void note_bind(struct sqlite_stmt *self, int code)
{
	if (code != SQLITE_OK && !self->bind_failed)
		self->bind_failed = code;
}

static int index_of(const struct sqlite_stmt *self, int n)
{
	assert(n >= 1 && n <= DB_PARAMETERS_MAX);
	return self->index_of[n]; /* 0 makes SQLite answer SQLITE_RANGE */
}

static void sqlite_bind_str(struct db_stmt *stmt, int n, struct str value)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);

	note_bind(self, sqlite3_bind_text64(self->handle, index_of(self, n), value.at, value.len,
					    SQLITE_STATIC, SQLITE_UTF8));
}

static void sqlite_bind_bytes(struct db_stmt *stmt, int n, struct str value)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);

	note_bind(self, sqlite3_bind_blob64(self->handle, index_of(self, n), value.at, value.len,
					    SQLITE_STATIC));
}

static void sqlite_bind_int(struct db_stmt *stmt, int n, int64_t value)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);

	note_bind(self, sqlite3_bind_int64(self->handle, index_of(self, n), value));
}

static enum db_step sqlite_step(struct db_stmt *stmt, struct err *err)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);
	int code;

	if (self->bind_failed) {
		err_set(err, ERR_INTERNAL, "a parameter does not fit the statement: %s",
			sqlite3_errstr(self->bind_failed));
		return DB_FAILED;
	}
	code = sqlite3_step(self->handle);
	if (code == SQLITE_ROW)
		return DB_ROW;
	if (code == SQLITE_DONE)
		return DB_DONE;
	failed(sqlite_db(stmt->db), code, err);
	return DB_FAILED;
}

static void sqlite_rewind(struct db_stmt *stmt)
{
	sqlite3_reset(sqlite_stmt(stmt)->handle);
}

static void sqlite_reset(struct db_stmt *stmt)
{
	struct sqlite_stmt *self = sqlite_stmt(stmt);

	sqlite3_reset(self->handle); /* repeats the step's error, which was told already */
	sqlite3_clear_bindings(self->handle);
	self->bind_failed = 0;
}

static int64_t sqlite_changes(const struct db *db)
{
	return sqlite3_changes64(sqlite_db(db)->handle);
}

static struct str sqlite_column_str(const struct db_stmt *stmt, int column)
{
	sqlite3_stmt *handle = sqlite_stmt(stmt)->handle;
	const char *at;

	if (sqlite3_column_type(handle, column) == SQLITE_BLOB) {
		at = sqlite3_column_blob(handle, column);
		return (struct str){ at ? at : "", (size_t)sqlite3_column_bytes(handle, column) };
	}
	at = (const char *)sqlite3_column_text(handle, column);
	if (!at)
		return STR_NONE;
	return (struct str){ at, (size_t)sqlite3_column_bytes(handle, column) };
}

static int64_t sqlite_column_int(const struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(sqlite_stmt(stmt)->handle, column);
}

static bool sqlite_column_is_null(const struct db_stmt *stmt, int column)
{
	return sqlite3_column_type(sqlite_stmt(stmt)->handle, column) == SQLITE_NULL;
}

static bool run_literal(struct db *db, const char *sql, struct err *err)
{
	struct db_stmt *stmt;

	return db_prepare(db, sql, &stmt, err) && db_run(stmt, err);
}

static bool sqlite_begin(struct db *db, struct err *err)
{
	return run_literal(db, db->mode == DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static bool sqlite_in_transaction(const struct db *db)
{
	return !sqlite3_get_autocommit(sqlite_db(db)->handle);
}

static void sqlite_rollback(struct db *db)
{
	struct err ignored; /* what fails here was rolled back by SQLite itself */

	if (!run_literal(db, "ROLLBACK", &ignored))
		return;
}

static bool sqlite_commit(struct db *db, struct err *err)
{
	/* SQLite rolls back by itself after some errors (disk full, reading, writing). */
	if (!sqlite_in_transaction(db))
		return err_set(err, ERR_INTERNAL, "the transaction was given up after an error");
	if (run_literal(db, "COMMIT", err)) {
		int code = sqlite_db(db)->moved_badly;

		return code == SQLITE_OK ||
		       err_set(err, ERR_INTERNAL, "SQLite: a checkpoint: %s", sqlite3_errstr(code));
	}
	if (sqlite_in_transaction(db))
		sqlite_rollback(db);
	return false;
}

/*
 * The log is written anew where it is: its frames are chained by checksums, so that a frame that
 * is lost cuts off all that come behind it, and a checkpoint syncs the log before it moves frames
 * into the file, but by a sync that writes no page that is called clean.  The transaction keeps
 * others from appending meanwhile.  SQLite syncs the folder after making the log, and does not say
 * when that fails.
 */
static bool sqlite_settle(struct db *db, struct err *err)
{
	const char *log_path =
		sqlite3_filename_wal(sqlite3_db_filename(sqlite_db(db)->handle, "main"));

	if (!file_rewrite(log_path, err) && err->kind != ERR_NOT_FOUND)
		return false;
	return file_sync_name(log_path, err);
}

static bool sqlite_checkpoint(struct db *db, int64_t *out_left_bytes, struct err *err)
{
	struct sqlite_db *self = sqlite_db(db);
	int pages = 0, moved = 0;
	int code = sqlite3_wal_checkpoint_v2(self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
					     &moved);

	if ((code & 0xff) == SQLITE_BUSY) { /* another connection is at it */
		*out_left_bytes = self->log_pages * self->page_bytes;
		return true;
	}
	if (code != SQLITE_OK)
		return failed(self, code, err);
	*out_left_bytes = (pages - moved) * self->page_bytes;
	self->log_pages = pages > moved ? pages : 0;
	return true;
}

static int64_t sqlite_log_bytes(const struct db *db)
{
	return sqlite_db(db)->log_pages * sqlite_db(db)->page_bytes;
}

static bool sqlite_copy(struct db *db, const char *path, struct progress *progress, struct err *err)
{
	return sqlite_copy_to(sqlite_db(db)->handle, path, progress, err);
}

const struct db_driver db_sqlite_driver = {
	.dialect = DB_SQLITE,
	.open = sqlite_open,
	.free = sqlite_free,
	.exec = sqlite_exec,
	.prepare = sqlite_prepare,
	.finalize = sqlite_finalize,
	.bind_str = sqlite_bind_str,
	.bind_bytes = sqlite_bind_bytes,
	.bind_int = sqlite_bind_int,
	.step = sqlite_step,
	.rewind = sqlite_rewind,
	.reset = sqlite_reset,
	.changes = sqlite_changes,
	.column_str = sqlite_column_str,
	.column_int = sqlite_column_int,
	.column_is_null = sqlite_column_is_null,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.in_transaction = sqlite_in_transaction,
	.settle = sqlite_settle,
	.checkpoint = sqlite_checkpoint,
	.log_bytes = sqlite_log_bytes,
	.copy = sqlite_copy,
};
