/*
 * The tables, and how they change.
 *
 * To change the schema: append a migration, never edit one that was released.  Each
 * runs once, in order, in one transaction with the new version number, so a ledger
 * has one version or the next and nothing between.  Write it for both databases: each
 * has its own text, for their data definition differs; queries do not.  A migration that has to walk many rows says so in its comment, because
 * the server does not answer before it is done.
 *
 * A ledger in a file that is of a newer version is refused: we would not know what we break.  The text says which callspool
 * wrote it.  Going back means restoring the backup that the newer version's notes asked for.
 *
 * On a server processes of several versions serve from it while one after the other is brought up to date.  So a ledger there
 * says, beside its version, the oldest that a process has to know (schema_version.oldest).  A migration only adds: tables,
 * columns with a default or none, indexes; older processes go on beside it.  What it makes needless is taken away by
 * the first one of a later release (`takes_away`): so all that the release before knows need it no more.
 * That one waits until nobody who knows less serves any more; and whoever did not notice is ended by its fence
 * (catalog/processes.h).  What is written in a new form is for the first release that all who may serve beside it can read.
 * An index over a table with millions of rows is made by hand before (CREATE INDEX CONCURRENTLY IF NOT EXISTS), and
 * the migration says IF NOT EXISTS, too.
 *
 * Numbers that are stored for enumerators are in the headers; they are never given
 * another meaning.
 *
 * Columns are NULL where nothing is known; instants are milliseconds since 1970, UTC.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

/* What a migration waits for on a server, from try to try; all 0 at first. */
struct schema_wait {
	bool is_worth_it;      /* it failed, and may not the next time: in SCHEMA_AGAIN_MS */
	int64_t elders, beats; /* as last seen: processes in the way of it, and all their beats */
	unsigned still;        /* looks in a row in which none of them beat */
};
#define SCHEMA_AGAIN_MS    2000
#define SCHEMA_STILL_LOOKS 7  /* as others bury (cluster/members.h) */
#define SCHEMA_TRIES       20 /* of each at most 2 s, and a pause: more than a minute */

/* Within a write transaction. */
bool schema_migrate(struct db *db, struct schema_wait *wait, struct err *err) MUST_CHECK;
/* The same up to a version, which a test may want an old ledger to have. */
bool schema_migrate_to(struct db *db, int64_t wanted, struct err *err) MUST_CHECK;
/* Our version; or on a server a newer one, beside which we may go on. */
bool schema_check(struct db *db, struct err *err) MUST_CHECK;
bool schema_is_known(struct db *db, struct err *err) MUST_CHECK; /* the same, or an older one */
/* The version that this program knows. */
int64_t schema_known(void);

/*
 * What is said of a ledger as a whole, and keeps everybody from opening it, older callspools too: for them it is a version that is
 * newer than theirs.
 */
enum schema_mark {
	SCHEMA_MOVED = 1 << 30, /* to another database: the text says where */
	SCHEMA_ARRIVING =
		SCHEMA_MOVED +
		1, /* it is being filled by a move from another one, which the text names */
};
#define SCHEMA_MARK_SIZE 1024
/* In a write transaction. */
bool schema_mark(struct db *db, enum schema_mark mark, const char *text,
		 struct err *err) MUST_CHECK;
bool schema_unmark(struct db *db, enum schema_mark mark, struct err *err) MUST_CHECK;
/* What it says; "": it has no such mark, or is no ledger at all (which opening it tells). */
bool schema_marked(struct db *db, enum schema_mark mark, char text[SCHEMA_MARK_SIZE],
		   struct err *err) MUST_CHECK;
/* Without marks: is it exactly our version? */
bool schema_is_current(struct db *db, bool *out, struct err *err) MUST_CHECK;
