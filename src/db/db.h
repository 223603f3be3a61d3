/*
 * A thin layer over an SQL database: prepare, bind, step, read.  It knows no
 * statement of ours (those are in catalog/) and hides which database answers, so
 * that the same statements run on SQLite and on PostgreSQL.
 *
 *	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
 *
 *	if (!db_prepare(db, "SELECT path FROM recordings WHERE recording_sid = $1", &find, err))
 *		return false;
 *	db_bind_str(find, 1, sid);
 *	switch (db_step(find, err)) {
 *	case DB_ROW: ... db_column_str(find, 0) ...
 *
 * Statements are written in what both databases share: placeholders from $1 without a
 * gap, ON CONFLICT DO UPDATE, RETURNING, partial indexes.  Only the schema may differ;
 * a migration asks db_dialect().
 *
 * A struct db is one connection and belongs to one thread.  Everything blocks.
 *
 * Errors: ERR_CONFLICT for a violated constraint; ERR_UNAVAILABLE for a full disk, for one
 * that is read-only, for a lock that was not had in time and for a server that is away;
 * ERR_SCARCE where no descriptor is left; ERR_INTERNAL for all else, reading and writing
 * errors of the disk included.  On PostgreSQL a transaction in which a statement failed can
 * only be rolled back.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;
struct progress;

enum db_mode {
	DB_WRITE, /* the one connection that changes things; creates the database (mode 0640) */
	/* Beside it, on PostgreSQL alone: writes and does not wait for it; what both change is the caller's care. */
	DB_QUICK,
	DB_READ, /* sees snapshots, never waits for the writer, cannot change anything */
};

enum db_dialect { DB_SQLITE, DB_POSTGRES };

enum db_step {
	DB_ROW,    /* a row is there: read its columns, then step again */
	DB_DONE,   /* no more rows */
	DB_FAILED, /* err says why */
};

/* address: the path of an SQLite file, or postgresql://..., as libpq reads it. */
bool db_open(const char *address, enum db_mode mode, struct db **out, struct err *err) MUST_CHECK;
void db_free(struct db *db); /* the statements too; rolls back what is open */
DEFINE_AUTO(struct db *, db_free)

enum db_dialect db_dialect(const struct db *db);
enum db_dialect db_dialect_of(const char *address);

/* Runs several statements without parameters or rows: for migrations and settings. */
bool db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;

/*
 * The prepared form of `sql`, from the connection's cache: made on first use, kept
 * until db_free().  The db owns it.  `sql` is a literal: the cache knows it by its
 * address, and it must live as long as the db.  One use at a time: whoever prepared
 * it resets it when done (AUTO(db_stmt_reset)) before the same text is used again.
 */
bool db_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err) MUST_CHECK;

/*
 * Binds $<n>, n from 1 to DB_PARAMETERS_MAX.  The text is borrowed until the reset.
 * A mistake (no such parameter) is kept and told by the next db_step().
 */
#define DB_PARAMETERS_MAX 64
void db_bind_str(struct db_stmt *stmt, int n, struct str value); /* at == NULL binds NULL */
void db_bind_int(struct db_stmt *stmt, int n, int64_t value);
void db_bind_null(struct db_stmt *stmt, int n);
/* Bytes that need not be text (BLOB, BYTEA); read back with db_column_str(). */
void db_bind_bytes(struct db_stmt *stmt, int n, struct str value);
/* A list of texts, for "= ANY($<n>)" or unnest(), on PostgreSQL alone; they are copied.  At most four of a statement. */
void db_bind_list(struct db_stmt *stmt, int n, const struct str *texts, size_t count);

/*
 * It is going to be stepped through: what it answers comes along with whatever is waited for next, so that several questions cost
 * one round trip; behind the commit it can still be read.  Within a transaction; what fails is told as by db_run().  SQLite does
 * nothing before the step.
 */
bool db_ask(struct db_stmt *stmt, struct err *err) MUST_CHECK;
enum db_step db_step(struct db_stmt *stmt, struct err *err) MUST_CHECK;
/* What it answers is stepped through once more from its first row, with what is bound.  Within one transaction. */
void db_rewind(struct db_stmt *stmt);
/*
 * Steps to the end, dropping rows, and resets: for statements that only change something.  Within a transaction it may be
 * deferred, so that many cost one round trip: what fails is then told by the next db_step() or db_commit(), whichever comes
 * first.  SQLite runs it at once.
 */
bool db_run(struct db_stmt *stmt, struct err *err) MUST_CHECK;
/* The same and at once everywhere: for who acts on what failed, other than by rolling back. */
bool db_run_now(struct db_stmt *stmt, struct err *err) MUST_CHECK;
/* Waits for what was deferred: what fails is told here. */
bool db_catch_up(struct db *db, struct err *err) MUST_CHECK;
/* Rows changed by the statement of this connection that finished last: of db_run_now(), or db_step(). */
int64_t db_changes(const struct db *db);

/* Columns count from 0.  The text is valid until the next step or reset; NULL gives STR_NONE / 0. */
struct str db_column_str(const struct db_stmt *stmt, int column);
int64_t db_column_int(const struct db_stmt *stmt, int column);
bool db_column_is_null(const struct db_stmt *stmt, int column);

/* Ready for the next use: no rows, nothing bound.  Accepts NULL. */
void db_stmt_reset(struct db_stmt *stmt);
DEFINE_AUTO(struct db_stmt *, db_stmt_reset)

/*
 * DB_WRITE takes the write lock at once (so that a later statement cannot fail for
 * it); DB_READ fixes its snapshot with its first query.  They do not nest.  After a
 * failed commit nothing was kept and the transaction is over.
 */
bool db_begin(struct db *db, struct err *err) MUST_CHECK;
bool db_commit(struct db *db, struct err *err) MUST_CHECK;
/* The commit that failed last may have been done after all: its answer did not come.  Never on SQLite. */
bool db_is_in_doubt(const struct db *db);
void db_rollback(struct db *db); /* without a transaction it does nothing */
bool db_in_transaction(const struct db *db);

/*
 * What others tell those who LISTEN (db_exec()), on PostgreSQL alone.  A connection that was lost listens no more: its number is another
 * one then.  0: there is none.  The descriptor (-1: none) can be read when something may have come.
 */
uint64_t db_connection(const struct db *db);
int db_socket(const struct db *db);
bool db_has_notice(struct db *db); /* something came since the last call */
/* How often it was waited for the server so far: what a test holds a transaction to.  0 on SQLite. */
uint64_t db_waits(const struct db *db);
/* No connection could be had when one was last wanted, or nobody was there when that was last asked.  Never on SQLite. */
bool db_is_unreachable(const struct db *db);
/* It was found out that the server does not keep what is prepared: a pooler stands before it.  Never on SQLite. */
bool db_is_nameless(const struct db *db);

/*
 * Within the first transaction of a DB_WRITE that was just opened: makes durable what it
 * found, and the names of its files.  An earlier process may have ended between a write and its
 * sync, or because a sync failed; what it wrote can be read, is gone on with, and may yet not
 * be on the disk.  Nothing that a later commit promises holds before this has succeeded.
 */
bool db_settle(struct db *db, struct err *err) MUST_CHECK;

/*
 * Moves what was committed from the log into the database file, as far as no
 * reader still needs the log.  *out_left_bytes is how much of the log could not be
 * moved yet (0: the log is begun anew by the next write).  SQLite only works this
 * off when asked: the caller chooses a quiet moment, outside a transaction, or does
 * it on a connection of its own on another thread.
 */
bool db_checkpoint(struct db *db, int64_t *out_left_bytes, struct err *err) MUST_CHECK;
/* The size of the log in bytes, as this connection's last commit left it: when to call it. */
int64_t db_log_bytes(const struct db *db);

/*
 * Within a transaction of a DB_READ: writes all that its snapshot has to a new file at `path` (mode 0600),
 * synced but for its name.  Writers go on; what they write stays in the log until it is through.  What is left of a copy
 * that failed is the caller's to remove.  Progress in pages; it may be NULL.
 */
bool db_copy(struct db *db, const char *path, struct progress *progress,
	     struct err *err) MUST_CHECK;
