#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "tap.h"

#define TABLE "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n BIGINT)"
#define PUT   "INSERT INTO t (name, n) VALUES ($1, $2) RETURNING id"
#define COUNT "SELECT COUNT(*) FROM t"

#include "database_calls.h"

static char folder[] = "/tmp/callspool-test.XXXXXX";
static char path[sizeof(folder) + 16];

/* ---- a log that seems long, and a checkpoint that fails ---- */

#define LONG_PAGES (1 << 20)

static int (*log_hook)(void *context, sqlite3 *handle, const char *name, int pages);
static bool log_seems_long;
static int checkpoint_code; /* 0: it is done */

void *__real_sqlite3_wal_hook(sqlite3 *handle, int (*hook)(void *, sqlite3 *, const char *, int),
			      void *context);
void *__wrap_sqlite3_wal_hook(sqlite3 *handle, int (*hook)(void *, sqlite3 *, const char *, int),
			      void *context);
int __real_sqlite3_wal_checkpoint_v2(sqlite3 *handle, const char *name, int mode, int *pages,
				     int *moved);
int __wrap_sqlite3_wal_checkpoint_v2(sqlite3 *handle, const char *name, int mode, int *pages,
				     int *moved);

static int after_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
	return log_hook(context, handle, name, log_seems_long ? LONG_PAGES : pages);
}

void *__wrap_sqlite3_wal_hook(sqlite3 *handle, int (*hook)(void *, sqlite3 *, const char *, int),
			      void *context)
{
	log_hook = hook;
	return __real_sqlite3_wal_hook(handle, after_commit, context);
}

int __wrap_sqlite3_wal_checkpoint_v2(sqlite3 *handle, const char *name, int mode, int *pages,
				     int *moved)
{
	return checkpoint_code != 0
		       ? checkpoint_code
		       : __real_sqlite3_wal_checkpoint_v2(handle, name, mode, pages, moved);
}

static void test_long_log(void)
{
	static const struct {
		const char *name;
		int code;
		bool is_well;
	} cases[] = {
		{ "it is moved", SQLITE_OK, true },
		{ "another one moves it", SQLITE_BUSY, true },
		{ "there is no room for it", SQLITE_FULL, true },
		{ "it cannot be synced", SQLITE_IOERR_FSYNC, false },
		{ "it cannot be written", SQLITE_IOERR_WRITE, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(db_free) struct db *db = opened(DB_WRITE);

		log_seems_long = true;
		checkpoint_code = cases[i].code;
		OK(db_begin(db, &err) && put(db, str_of(cases[i].name), 9) &&
			   db_commit(db, &err) == cases[i].is_well,
		   "a long log, and %s", cases[i].name);
		OK(cases[i].is_well || err.kind == ERR_INTERNAL, "as a failed disk: %s",
		   cases[i].name);
		log_seems_long = false;
		checkpoint_code = SQLITE_OK;
	}
}

static void test_file(struct db *db)
{
	struct stat st;

	OK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640, "the file has mode 0640");
	OK(db_exec(db, TABLE, &err), "a table is made");
	OK(access(path, F_OK) == 0, "it is where it was asked for");
	OK(db_dialect(db) == DB_SQLITE, "the dialect is SQLite's");
}

static void test_durable(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *mode = NULL;

	IS_INT(number(db, "PRAGMA synchronous"), 2, "each commit is synced");
	OK(db_prepare(db, "PRAGMA journal_mode", &mode, &err) && db_step(mode, &err) == DB_ROW,
	   "the journal is asked for");
	IS_STR(db_column_str(mode, 0), STR("wal"), "it is the log that readers do not wait for");
}

static void test_values(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	OK(db_prepare(db, "SELECT $2, $1, $2, $3, $4, $5", &stmt, &err), "parameters in any order");
	db_bind_str(stmt, 1, STR("first"));
	db_bind_int(stmt, 2, INT64_MIN);
	db_bind_null(stmt, 3);
	db_bind_str(stmt, 4, STR(""));
	db_bind_bytes(stmt, 5, (struct str){ "a\0b", 3 });
	OK(db_step(stmt, &err) == DB_ROW, "one row");
	IS_INT(db_column_int(stmt, 0), INT64_MIN, "$2 is bound by its name, not its place");
	IS_STR(db_column_str(stmt, 1), STR("first"), "$1 is the second column");
	IS_INT(db_column_int(stmt, 2), INT64_MIN, "$2 stands twice");
	OK(db_column_is_null(stmt, 3) && !db_column_str(stmt, 3).at, "NULL is absent");
	OK(!db_column_is_null(stmt, 4) && db_column_str(stmt, 4).at, "an empty text is not NULL");
	IS_STR(db_column_str(stmt, 5), ((struct str){ "a\0b", 3 }), "bytes keep their NUL");
	OK(db_step(stmt, &err) == DB_DONE, "and no more");
}

static void test_mistakes(struct db *db)
{
	struct db_stmt *stmt = NULL;

	OK(db_prepare(db, "SELECT $1", &stmt, &err), "a statement with one parameter");
	db_bind_int(stmt, 2, 1);
	OK(db_step(stmt, &err) == DB_FAILED && err.kind == ERR_INTERNAL,
	   "a parameter that does not exist is told by the step");
	db_stmt_reset(stmt);
	db_bind_int(stmt, 1, 7);
	OK(db_step(stmt, &err) == DB_ROW, "and forgotten by the reset");
	db_stmt_reset(stmt);
	OK(!db_prepare(db, "SELECT nothing FROM nowhere", &stmt, &err), "nonsense is refused");
	OK(!db_prepare(db, "SELECT \"misspelt\"", &stmt, &err),
	   "a misspelt column in quotes is an error, not a text");
	OK(!db_open("/nonexistent/ledger.db", DB_WRITE, &(struct db *){ NULL }, &err),
	   "a folder that does not exist is an error");
}

static void test_constraint(struct db *db)
{
	OK(put(db, STR("one"), 1), "a row");
	OK(!put(db, STR("one"), 2) && err.kind == ERR_CONFLICT, "the same again is ERR_CONFLICT");
	OK(put(db, STR("two"), 2), "and the statement works on");
	OK(db_exec(db, "CREATE TABLE child (t INTEGER REFERENCES t (id))", &err), "a child table");
	OK(!db_exec(db, "INSERT INTO child VALUES (99)", &err) && err.kind == ERR_CONFLICT,
	   "foreign keys are on");
}

static void test_cache(struct db *db)
{
	static const char sql[] = "SELECT 1";
	struct db_stmt *first = NULL, *second = NULL;

	OK(db_prepare(db, sql, &first, &err) && db_prepare(db, sql, &second, &err),
	   "prepared twice");
	OK(first == second, "is the same statement");
}

static void test_transactions(struct db *db)
{
	AUTO(db_free) struct db *reader = opened(DB_READ);
	int64_t before = number(db, COUNT);

	OK(db_begin(db, &err) && db_in_transaction(db), "a transaction begins");
	OK(put(db, STR("kept"), 3), "a row in it");
	IS_INT(number(reader, COUNT), before, "a reader does not see it yet, and does not wait");
	OK(db_commit(db, &err) && !db_in_transaction(db), "commit");
	IS_INT(number(reader, COUNT), before + 1, "now it does");

	OK(db_begin(reader, &err), "the reader begins a snapshot");
	IS_INT(number(reader, COUNT), before + 1, "fixed by its first query");
	OK(put(db, STR("later"), 4), "the writer goes on without waiting");
	IS_INT(number(reader, COUNT), before + 1, "the snapshot stays as it was");
	OK(db_commit(reader, &err), "the snapshot ends");
	IS_INT(number(reader, COUNT), before + 2, "and the reader sees the present");
	OK(!put(reader, STR("never"), 5), "a reader cannot change anything");

	OK(db_begin(db, &err) && put(db, STR("dropped"), 6), "another transaction");
	db_rollback(db);
	IS_INT(number(db, COUNT), before + 2, "rolled back");
	db_rollback(db);
	OK(!db_commit(db, &err), "a commit without a transaction is an error");
}

static void test_checkpoint(struct db *db)
{
	AUTO(db_free) struct db *reader = opened(DB_READ);
	int64_t left = -1;

	OK(put(db, STR("logged"), 7) && db_log_bytes(db) > 0, "a commit leaves bytes in the log");
	OK(db_begin(reader, &err) && number(reader, COUNT) > 0, "a reader holds a snapshot");
	OK(put(db, STR("after it"), 8), "something newer is committed");
	OK(db_checkpoint(db, &left, &err), "a checkpoint does not wait for the reader");
	OK(left > 0, "what it may still need is left");
	OK(db_commit(reader, &err) && db_checkpoint(db, &left, &err), "without the reader");
	IS_INT(left, 0, "nothing is left");
	IS_INT(db_log_bytes(db), 0, "and the log counts as empty");
}

static void test_full(void)
{
	AUTO(db_free) struct db *db = opened(DB_WRITE);
	AUTO(free) char *big = malloc(1 << 20);

	memset(big, 'x', 1 << 20);
	OK(db_exec(db, "PRAGMA max_page_count = 40", &err), "a file that may not grow");
	OK(db_begin(db, &err), "a transaction");
	OK(!put(db, (struct str){ big, 1 << 20 }, 1) && err.kind == ERR_UNAVAILABLE,
	   "a full disk is ERR_UNAVAILABLE");
	db_rollback(db);
	OK(put(db, STR("small"), 9), "what fits is written again");
}

/* Bytes that are called clean reach the disk only by being written anew; that shows in the file's time. */
static bool was_written_anew(const char *name, struct stat *before)
{
	struct stat now;

	return stat(name, &now) == 0 && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec;
}

static void make_old(const char *name, struct stat *out)
{
	const struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

	OK(utimensat(AT_FDCWD, name, old, 0) == 0 && stat(name, out) == 0 && out->st_size > 0,
	   "the log has bytes, and they are old");
}

static void test_settle(void)
{
	AUTO(db_free) struct db *first = opened(DB_WRITE);
	AUTO(db_free) struct db *db = NULL;
	char log_path[sizeof(path) + 8];
	struct stat before = { 0 };
	int64_t rows;

	snprintf(log_path, sizeof(log_path), "%s-wal", path);
	OK(put(first, STR("in the log"), 10), "a row that is in the log alone");
	rows = number(first, COUNT);
	db = opened(DB_WRITE);
	make_old(log_path, &before);
	OK(db_begin(db, &err) && db_settle(db, &err), "what was found is settled");
	OK(was_written_anew(log_path, &before), "by writing it anew");
	OK(db_commit(db, &err), "and the transaction goes on");
	IS_INT(number(db, COUNT), rows, "all is there");
	OK(put(first, STR("after"), 12), "others write again");
	IS_INT(number(db, COUNT), rows + 1, "behind what was settled");
}

/* The error of an earlier call is not taken for one of its own. */
static void test_stale_error(void)
{
	char other[sizeof(path) + 8];
	struct db *db = NULL;
	struct stat st;
	mode_t mask = umask(0177);

	snprintf(other, sizeof(other), "%s.other", path);
	errno = EEXIST;
	OK(db_open(other, DB_WRITE, &db, &err), "a new file, after another one was there already");
	OK(stat(other, &st) == 0 && (st.st_mode & 0777) == 0640,
	   "gets its mode whatever the process masks");
	db_free(db);
	unlink(other);
	umask(mask);
}

/* While one writes: the copy has what was there when it began, all of it, and can be read without a log. */
struct writing {
	struct progress progress;
	struct db *writer;
	int64_t put;
};

static void put_meanwhile(struct progress *progress, uint64_t done, uint64_t all)
{
	struct writing *writing = container_of(progress, struct writing, progress);
	char name[32];

	snprintf(name, sizeof(name), "meanwhile %d", (int)writing->put);
	if (done > 0 && put(writing->writer, str_of(name), 1))
		writing->put++;
}

static void test_copy(void)
{
	AUTO(db_free) struct db *writer = opened(DB_WRITE);
	AUTO(db_free) struct db *reader = opened(DB_READ);
	AUTO(db_free) struct db *copy = NULL;
	AUTO(free) char *big = calloc(1, 1 << 20);
	char other[sizeof(path) + 16];
	struct writing writing = { .progress.moved = put_meanwhile, .writer = writer };
	struct stat about;
	int64_t before;

	memset(big, 'x', 1 << 20);
	for (char n = 'a'; n < 'a' + 20; n++) { /* more pages than are copied in one step */
		big[0] = n;
		OK(put(writer, (struct str){ big, 1 << 20 }, n), "a long text");
	}
	before = number(writer, COUNT);
	snprintf(other, sizeof(other), "%s.copy", path);
	OK(db_begin(reader, &err) && number(reader, COUNT) == before, "a snapshot");
	OK(db_copy(reader, other, &writing.progress, &err), "is copied");
	OK(!db_copy(reader, other, NULL, &err), "not over what is there: %s", err.text);
	db_rollback(reader);
	OK(writing.put >= 2, "while another writes, %d times", (int)writing.put);
	IS_INT(number(writer, COUNT), before + writing.put, "which is not kept from it");
	OK(stat(other, &about) == 0 && (about.st_mode & 0777) == 0600, "for its owner alone");
	OK(db_open(other, DB_READ, &copy, &err), "the copy can be read");
	IS_INT(number(copy, COUNT), before, "and has what the snapshot had");
	IS_INT(number(copy,
		      "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
	       0, "in order");
	snprintf(other, sizeof(other), "%s.copy-shm", path);
	OK(access(other, F_OK) < 0, "without a log beside it");
	db_free(TAKE(copy));
	snprintf(other, sizeof(other), "%s.copy", path);
	OK(db_open(other, DB_WRITE, &copy, &err) && put(copy, STR("more"), 1),
	   "it can be gone on with: %s", err.text);
	db_free(TAKE(copy));
	unlink(other);
}

static void test_missing(void)
{
	struct db *db = NULL;

	OK(!db_open("/tmp/callspool-no-such-ledger", DB_READ, &db, &err) &&
		   err.kind == ERR_NOT_FOUND,
	   "a reader does not create a database");
	OK(!db, "and leaves its result alone");
}

/* What gave access must not be found on a page that was given up, however SQLite was built. */
static void test_wiping(struct db *db)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	OK(db_prepare(db, "SELECT secure_delete FROM pragma_secure_delete", &stmt, &err) &&
		   db_step(stmt, &err) == DB_ROW && db_column_int(stmt, 0) == 1,
	   "what is deleted is wiped");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	database = path;
	{
		AUTO(db_free) struct db *db = opened(DB_WRITE);

		test_file(db);
		test_durable(db);
		test_values(db);
		test_mistakes(db);
		test_constraint(db);
		test_cache(db);
		test_transactions(db);
		test_rewind(db);
		test_checkpoint(db);
		test_wiping(db);
	}
	test_long_log();
	test_full();
	test_settle();
	test_stale_error();
	test_copy();
	test_missing();
	unlink(path);
	OK(rmdir(folder) == 0, "the last connection leaves only the file behind");
	return tap_end();
}
