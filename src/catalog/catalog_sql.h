/*
 * What a file with SQL of its own needs of the ledger: its connection, and how columns become texts and back.
 * For this room, projection/, listing/, chores/, accounts/ and cluster/ alone; all others call what these declare.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "db/db.h"
#include "retention/retention.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The connection of this transaction; the catalog's. */
struct db *catalog_db(struct catalog *catalog);
/* Asserts a write transaction; false (ERR_INTERNAL) when SQLite gave it up after an error. */
bool catalog_may_change(struct catalog *catalog, struct err *err) MUST_CHECK;
/*
 * The row in processes of the one that this catalog is enlisted as: its number, in its place.  A server that took over without
 * the last turns gives a number again, and whoever had it before is somebody else.  The function (processes.c) binds $1 to $3;
 * $2 is schema_known().
 */
#define OWN_PROCESS "id = $1 AND place IS NOT DISTINCT FROM $3"
void bind_own_process(struct db_stmt *stmt, const struct catalog *catalog);
/* The next number of the sequence, for a row's changed_seq (turns.c). */
int64_t catalog_next_sequence(struct catalog *catalog);
/* There is one more call (counts.c). */
void catalog_count_call(struct catalog *catalog);

/* Columns account_sid, direction, started_at_ms, is_held of a recording, from `first` on. */
void kept_read(const struct db_stmt *row, int first, struct kept *out);

/* Texts into fixed arrays: cut where too long (never inside a UTF-8 character); NULL gives "". */
void text_set(char *to, size_t size, struct str text);
/* "" binds NULL. */
void bind_text(struct db_stmt *stmt, int n, const char *text);
/* 0 binds NULL: for instants and numbers that may be unknown. */
void bind_known(struct db_stmt *stmt, int n, int64_t value);
