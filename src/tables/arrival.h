/*
 * A ledger on a server that is being filled, as it says itself: from where, and how far that is.
 *
 *	arrival_begin     the tables are made, empty; nobody opens them (schema.h)
 *	arrival_set       how far it is, in the transaction of what was written
 *	arrival_complete  all is there: where the ledger stands, and what is numbered next
 *	arrival_open      ... and whoever serves from it may open it
 *
 * The last is done once the ledger that was left is marked: until then nobody but the move itself has been here.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "tables/tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct departure;

/*
 * ERR_CONFLICT: something else is there; it says what is to be done.  `looks`: nothing is changed, an empty one is good.  What has
 * begun under the same name goes on.  Outside a transaction.
 */
bool arrival_begin(struct db *db, const struct departure *departure, bool looks,
		   struct err *err) MUST_CHECK;
/* Where it goes on: which table, and behind which row. */
bool arrival_find(struct db *db, const struct tables *tables, size_t *out_table,
		  struct table_place *out, struct err *err) MUST_CHECK;
/* In a transaction. */
bool arrival_set(struct db *db, const struct tables *tables, size_t table,
		 const struct table_place *place, struct err *err) MUST_CHECK;
/* Recordings up to that id were brought; INT64_MAX: all.  Outside a transaction. */
bool arrival_find_media(struct db *db, int64_t *out, struct err *err) MUST_CHECK;
bool arrival_set_media(struct db *db, int64_t id, struct err *err) MUST_CHECK;
/* In a transaction; `from`, in one as well, is the ledger as it will not change any more.  ERR_CONFLICT: what is there is of another move. */
bool arrival_complete(struct db *db, struct db *from, const struct departure *departure,
		      struct err *err) MUST_CHECK;
/*
 * A ledger that the other one was moved to, as it says: is for everybody from now on.  Where nothing is to be done nothing is; where it is
 * another one, opening it tells.
 */
bool arrival_open(const char *address, const struct departure *departure,
		  struct err *err) MUST_CHECK;
