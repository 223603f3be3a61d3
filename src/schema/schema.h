/*
 * The tables, and how they change.
 *
 * To change the schema: append a migration, never edit one that was released.  Each
 * runs once, in order, in one transaction with the new version number, so a ledger
 * has one version or the next and nothing between.  Write it for both databases: each
 * has its own text, for their data definition differs; queries do not.  A migration that has to walk many rows says so in its comment, because
 * the server does not answer before it is done.
 *
 * A ledger of a newer version is refused: we would not know what we break.  The text says which callspool wrote it.  Going
 * back means restoring the backup that the newer version's notes asked for.
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

bool schema_migrate(struct db *db, struct err *err) MUST_CHECK; /* within a write transaction */
/* The same up to a version, which a test may want an old ledger to have. */
bool schema_migrate_to(struct db *db, int64_t wanted, struct err *err) MUST_CHECK;
bool schema_check(struct db *db, struct err *err) MUST_CHECK;    /* exactly our version */
bool schema_is_known(struct db *db, struct err *err) MUST_CHECK; /* no newer one */
