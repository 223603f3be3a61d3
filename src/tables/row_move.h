/*
 * The rows of a ledger in a file, on their way to one on a server.
 *
 *	COPYING    each table, page by page, and before each page what has changed since
 *	COMPARING  each page once more, both sides, within the snapshot up to which changes were written there
 *	FOLLOWING  what has changed alone, for as long as it takes until who asks wants the switch
 *
 * A turn is one transaction there, in which it is written how far it is; whatever is killed between two turns, or in one, goes on behind
 * the last.  What was compared and changes afterwards is read back as it is written, so that in the end each row was compared since
 * its last change.
 *
 * Blocking, on one thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "tables/departure.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct row_move;

enum row_move_phase { ROWS_COPYING, ROWS_COMPARING, ROWS_FOLLOWING };

struct row_move_turn {
	enum row_move_phase phase; /* of the next turn */
	const char *table;         /* at which it is; NULL: none */
	int64_t rows;              /* copied, or compared */
	int64_t changes;           /* written behind the copy */
	int64_t noted_up_to;       /* the notes up to here are of use no more: departure_forget() */
	int64_t took_ms;
};

/*
 * Connects to both.  `from` is the path of a file, that must be of our version.  ERR_UNAVAILABLE: the server does not answer, or does not
 * let us in.
 */
bool row_move_open(const char *from, const char *to, struct row_move **out,
		   struct err *err) MUST_CHECK;
void row_move_free(struct row_move *move); /* NULL does nothing */
/*
 * Any thread sets it, and it outlives this: a turn ends early then, and whatever else takes long: ERR_UNAVAILABLE, "".
 */
void row_move_stop_by(struct row_move *move, const atomic_bool *is_to_stop);
DEFINE_AUTO(struct row_move *, row_move_free)
/* May it go there?  ERR_INVALID, ERR_UNAVAILABLE: not as it is (destination.h); ERR_CONFLICT: something is there already. */
bool row_move_look(struct row_move *move, const struct departure *departure,
		   struct err *err) MUST_CHECK;
/* Once changes are noted: begins, or goes on behind the last turn. */
bool row_move_begin(struct row_move *move, const struct departure *departure,
		    struct err *err) MUST_CHECK;
/* That of the next turn. */
enum row_move_phase row_move_phase(const struct row_move *move);
/* How far media was brought, as it is written there: the id of a recording. */
bool row_move_find_media(struct row_move *move, int64_t *out, struct err *err) MUST_CHECK;
bool row_move_set_media(struct row_move *move, int64_t id, struct err *err) MUST_CHECK;
/* All rows that there are, about. */
bool row_move_count(struct row_move *move, int64_t *out, struct err *err) MUST_CHECK;
/* ERR_CONFLICT: there is a difference; it says where. */
bool row_move_turn(struct row_move *move, struct row_move_turn *out, struct err *err) MUST_CHECK;
/*
 * In ROWS_FOLLOWING, and nobody writes to the ledger any more: what has changed last, all compared where that takes no longer than a
 * moment, and where it stands.  True: the other one is whole, and can be served from.  ERR_UNAVAILABLE: not by `until_ms`, monotonic.
 */
bool row_move_complete(struct row_move *move, int64_t until_ms, struct err *err) MUST_CHECK;
