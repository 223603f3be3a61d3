/*
 * Every table of a ledger row by row, whatever its columns: read, written to another database, compared.
 *
 * The texts are made here of the names in table_list.h and of those of the columns, which are the ledger's own: nothing of what is in
 * a row, or came from elsewhere, becomes part of one.
 *
 * Text that PostgreSQL does not take (a NUL, what is no UTF-8) is replaced on its way, as events.c does; so it is read everywhere, and what
 * is compared is what both can hold.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/own.h"
#include "tables/table_list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct tables;

/* Of a ledger in a file, in a transaction or outside.  Outlives the connections that it is used with. */
bool tables_read(struct db *db, struct tables **out, struct err *err) MUST_CHECK;
void tables_free(struct tables *tables); /* NULL does nothing */
DEFINE_AUTO(struct tables *, tables_free)

/* A place in the order of a table's keys: behind a row. */
#define TABLE_KEY_TEXT 512
struct table_place {
	bool is_begun; /* else: before the first row */
	int64_t number[TABLE_KEYS_MAX];
	char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT]; /* of a key that is text */
};
/* As texts, "" where there is none, and back; `text` of a key column has room for TABLE_KEY_TEXT. */
void table_place_write(const struct tables *tables, size_t table, const struct table_place *place,
		       char text[TABLE_KEYS_MAX][TABLE_KEY_TEXT]);
bool table_place_read(const struct tables *tables, size_t table,
		      const char *const text[TABLE_KEYS_MAX], struct table_place *out) MUST_CHECK;

bool table_count(const struct tables *tables, size_t table, struct db *db, int64_t *out,
		 struct err *err) MUST_CHECK;

struct table_page {
	int64_t rows;
	bool is_last; /* nothing is behind it */
};
/*
 * Up to `most` rows behind `place`, in both a transaction, are written to `to`, whether they are there or not; *place moves on, in memory: what
 * is not committed then is copied again.
 */
bool table_copy(const struct tables *tables, size_t table, struct db *from, struct db *to,
		int64_t most, struct table_place *place, struct table_page *out,
		struct err *err) MUST_CHECK;

/* SHA-256 of the rows of a page: of whatever database, the same for the same rows. */
bool table_digest(const struct tables *tables, size_t table, struct db *db, int64_t most,
		  struct table_place *place, struct table_page *out, uint8_t sha256[SHA256_BYTES],
		  struct err *err) MUST_CHECK;

/* ---- what changes meanwhile (table_changes.c) ---- */

/*
 * From now on each key of which something is written is noted, by triggers: in a write transaction of the ledger in a file.
 * They stay there, whoever writes, until they are dropped.
 */
bool table_changes_begin(const struct tables *tables, struct db *db, struct err *err) MUST_CHECK;
/* Nothing is noted any more; a piece of what was is removed.  *out_is_over: nothing of it is left. */
bool table_changes_end(const struct tables *tables, struct db *db, bool *out_is_over,
		       struct err *err) MUST_CHECK;
/* The number of the last that was noted; 0: none. */
bool table_changes_last(struct db *db, int64_t *out, struct err *err) MUST_CHECK;
/*
 * In a write transaction: those up to `last` are done; a piece of them, for other writers wait meanwhile.  *out_is_all: none of them is
 * left.
 */
#define TABLE_CHANGES_PIECE 10000
bool table_changes_forget(struct db *db, int64_t last, bool *out_is_all,
			  struct err *err) MUST_CHECK;
/*
 * What was noted of the first `count` tables is written to `to`, or removed there, as `from` has it; both in a transaction, `from` in one
 * snapshot.  ERR_CONFLICT: it is not what was written.  ERR_UNAVAILABLE: it is late; "": it is to stop.
 */
#define TABLE_CHANGES_LATE "what had changed last took too long"
struct table_changes {
	const struct tables *tables;
	size_t count;
	struct db *from, *to;
	bool compares;                 /* each is read back */
	const atomic_bool *is_to_stop; /* any thread sets it; NULL: nobody does */
	int64_t until_ms;              /* monotonic; INT64_MAX: for as long as it takes */
	int64_t keys;                  /* counted: how many there were */
};
bool table_changes_apply(struct table_changes *changes, struct err *err) MUST_CHECK;

/* What the server knows of the rows of a table, for its plans, is learnt anew; in a transaction. */
bool table_analyze(const struct tables *tables, size_t table, struct db *to,
		   struct err *err) MUST_CHECK;
