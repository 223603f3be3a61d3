/*
 * The ledger: one connection to it, its transactions, its schema, its sequence.
 * The other files of this room are what the ledger knows: events.h, calls.h,
 * recordings.h, attempts.h; and projection/ derives it from events.
 *
 * Plain blocking code.  A struct catalog belongs to one thread: the writer has one
 * opened with CATALOG_WRITE, each reader one with CATALOG_READ.  Commands use the
 * same functions on a struct catalog of their own when no server runs.
 *
 * Reading functions work inside or outside a transaction.  Changing functions work
 * only inside one of CATALOG_WRITE (asserted).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

#define SID_SIZE 35 /* two letters, 32 hexadecimal digits, NUL */

struct catalog;
struct progress;

enum catalog_mode {
	CATALOG_WRITE, /* creates the ledger or brings its schema up to date */
	CATALOG_QUICK, /* not of a file: appends events beside the writer, once it is enlisted (processes.h) */
	CATALOG_READ,       /* snapshots; the ledger must exist with our schema */
	CATALOG_CHECKPOINT, /* for catalog_checkpoint() alone, beside the writer */
};

/*
 * ERR_INVALID: the ledger was written by a newer callspool, or (CATALOG_READ) by an
 * older one that no writer has migrated yet; the text says which.
 */
bool catalog_open(const char *path, enum catalog_mode mode, struct catalog **out,
		  struct err *err) MUST_CHECK;
/* It lies in files of this machine: what is wrong with them is wrong with us. */
bool catalog_is_local(const struct catalog *catalog);
/* Its server could not be reached when it was last looked for: one that was silent for long may well be there.  Never in files. */
bool catalog_is_cut_off(const struct catalog *catalog);
/*
 * Whether a newer callspool wrote it: ERR_INVALID, as CATALOG_WRITE would say.  What cannot be looked into is left for that
 * to judge.  Beside a writer.
 */
bool catalog_check(const char *path, struct err *err) MUST_CHECK;
void catalog_free(struct catalog *catalog); /* rolls back what is open */
DEFINE_AUTO(struct catalog *, catalog_free)

/*
 * CATALOG_WRITE: all or nothing, and after catalog_commit() returned true it is on
 * the disk (one fsync).  After a failed commit nothing of it happened, and the
 * transaction is over; unless catalog_is_in_doubt().  CATALOG_QUICK: the same; and where the answer to a commit was lost it is told as not done, though it may
 * have been.  CATALOG_READ: one snapshot for all queries up to
 * catalog_commit() or catalog_rollback() (which are the same there).
 */
bool catalog_begin(struct catalog *catalog, struct err *err) MUST_CHECK;
/*
 * The same; ask() is called where what it sends by db_ask() comes with the first answer that is waited for anyway, and is the first thing
 * that the transaction sees.  On a server alone is anything gained by it.
 */
struct catalog_ahead {
	bool (*ask)(struct catalog_ahead *ahead, struct catalog *catalog, struct err *err);
};
bool catalog_begin_ahead(struct catalog *catalog, struct catalog_ahead *ahead,
			 struct err *err) MUST_CHECK;
bool catalog_commit(struct catalog *catalog, struct err *err) MUST_CHECK;
/*
 * CATALOG_WRITE, on a server: the answer to the last commit was lost, it failed with ERR_UNAVAILABLE, and what became of it could
 * not be found out.  What must not be done twice is not to be done again.
 */
bool catalog_is_in_doubt(const struct catalog *catalog);
/* Its process is to end: what became of a commit whose answer was lost is not looked for again and again any more. */
void catalog_be_brief(struct catalog *catalog);
void catalog_rollback(struct catalog *catalog); /* without a transaction it does nothing */
/* CATALOG_WRITE: whether the transaction, or the last one, appended events. */
bool catalog_has_appended(const struct catalog *catalog);
/* CATALOG_WRITE: whether the transaction, or the last one, has something to tell: an event, or what a turn counts. */
bool catalog_has_changed(const struct catalog *catalog);

/*
 * The number of the last change that somebody's cache may have to hear of; it only
 * grows, and by one or more with every transaction that changes a call or a
 * recording, or only moves the watermark.  (Events alone do not count: nobody sees one
 * before it is projected.)
 * Within a read transaction it belongs to that snapshot: an answer that carries it
 * is older than a broadcast with a larger number.  Within a write transaction it
 * counts what was changed so far: read it last, broadcast it after the commit.
 */
bool catalog_sequence(struct catalog *catalog, int64_t *out, struct err *err) MUST_CHECK;

/*
 * SQLite's log is moved into the database file only here, so that no webhook waits
 * for it, when catalog_log_bytes() has reached CATALOG_LOG_BYTES.  It never waits for
 * readers, and may run beside the writer's transactions on a connection of its own
 * (ledger/checkpointer.h).  *out_left_bytes: what of the log could not be moved, because it came
 * later or a reader still needs the older state; 0: all of it, and the writer's next
 * transaction begins the log anew, if it was the writer who called.
 */
#define CATALOG_LOG_BYTES \
	(4 * 1024 * 1024) /* what a commit may find before it in the disk's queue */
bool catalog_checkpoint(struct catalog *catalog, int64_t *out_left_bytes,
			struct err *err) MUST_CHECK;
int64_t catalog_log_bytes(const struct catalog *catalog);

/*
 * CATALOG_READ, within a transaction that has read something: all of the ledger as that snapshot has it, into a
 * new file at `path` (mode 0600), synced but for its name.  The writer goes on meanwhile, and its log grows.
 */
bool catalog_copy(struct catalog *catalog, const char *path, struct progress *progress,
		  struct err *err) MUST_CHECK;

/*
 * The writer, of a ledger that was brought back from a copy: what is numbered from now on gets numbers that nothing had
 * in what came after the copy was made.  Else the name of a stored file, an ETag, a chain of the audit could mean two
 * things.
 */
#define CATALOG_LEAP (INT64_C(1) << 30)
bool catalog_leap(struct catalog *catalog, struct err *err) MUST_CHECK;
