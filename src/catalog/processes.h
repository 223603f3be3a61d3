/*
 * Who writes to a ledger that is on a server.
 *
 * A process that serves from it enlists: it gets a row, and knows it by its number and its place (catalog_sql.h).  Each of its transactions begins with a look at it, so that one whose row is gone
 * commits nothing, whatever it believes: ERR_UNAVAILABLE, and the text says why.  Nobody's clock counts, and nobody has to be
 * asked whether he still lives.  Whose row goes, and when: cluster/members.h.
 *
 * The same look sees whether the ledger has become one that this program does not know any more (schema/schema.h): then it
 * commits nothing, either, and cannot enlist anew (ERR_INVALID).
 *
 * A command that changes something beside it is not enlisted, and ends nobody.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

/* Where a process serves from.  Texts are borrowed. */
struct member_place {
	const char
		*name; /* told apart from all others by a lock that the caller has; NULL: nowhere */
	const char *address; /* where the others may ask it ("10.0.0.5:8081"); NULL: nowhere */
	const char *token;   /* and what they show */
};
/*
 * CATALOG_WRITE, outside a transaction: a row, a stream of events (events.h), and a number that nobody had.  Again after it was
 * taken for dead: then it is another one, and what the first has left is projected.  A ledger in a file has its lock: there it does nothing.
 */
bool catalog_enlist(struct catalog *catalog, const struct member_place *place,
		    struct err *err) MUST_CHECK;
/*
 * CATALOG_QUICK, and CATALOG_WRITE beside the one that was enlisted: of that process, in that place.  Its turns are told apart
 * from that one's.
 */
void catalog_enlist_as(struct catalog *catalog, int64_t process, const char *place);
/* Its number; 0: of a file, or not enlisted. */
int64_t catalog_process(const struct catalog *catalog);
/* CATALOG_WRITE, within a transaction: its own stream is over, if all of it was projected. */
void catalog_end_stream(struct catalog *catalog);
/* The same: what processes that are no more have left is projected here from now on. */
bool catalog_find_orphans(struct catalog *catalog, struct err *err) MUST_CHECK;
/* It has its row: nobody has taken it for dead.  False for that of a file, which has none. */
bool catalog_process_lives(struct catalog *catalog, int64_t process, bool *out,
			   struct err *err) MUST_CHECK;
