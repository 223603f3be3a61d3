/*
 * What others have changed, on a ledger that several processes write.
 *
 * Each turn's row has what changed in it, a line a change.  Rows are numbered in the order of their commits, for whoever writes
 * one has the seat; so who reads on from the number that it knows misses none and has none twice, in order.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/projection_change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

/* The most changes that a turn tells one by one; of one with more, everything may have changed. */
#define TURN_CHANGES_MAX 512

/* In a write transaction: others are to hear of it.  Where nobody else is (a file) it does nothing. */
void turn_tell(struct catalog *catalog, const struct projection_change *change);

struct turn_hearer {
	/* All changes of a turn; changes[0].what may be PROJECTED_ALL: then it is the only one. */
	void (*heard)(struct turn_hearer *hearer, const struct projection_change *changes,
		      size_t count, int64_t sequence);
	/*
	 * Turns that were told, here or elsewhere, are not there any more.  From here on it is told from this number, anything
	 * first, which is larger than any that was told before.
	 */
	void (*lost)(struct turn_hearer *hearer, int64_t sequence);
};

/*
 * The channel on which each turn is told of, for LISTEN: one for each schema of a database.  Nothing is said but that there is one; so what
 * is lost, as it is behind a pooler, costs no more than the time until one looks anyway.
 */
#define TURN_CHANNEL_SQL "'callspool_' || substr(md5(current_schema()), 1, 16)"

/* The sequence from which on at most `most` turns are there to be heard; 0: nothing was ever written. */
bool turns_recent(struct catalog *catalog, int64_t most, int64_t *out_sequence,
		  struct err *err) MUST_CHECK;
/*
 * Every turn after *heard, which is told or was the ledger's sequence once; *heard goes along.  Where turns between are gone
 * already, or one that was heard is another one now (the server is one that had not all of them yet, and *heard goes back),
 * everything may have changed.  Within a write transaction, as its first thing, it costs a
 * question only where somebody else had a turn; what is heard is committed, whatever becomes of that transaction.
 * Outside of one it cannot deal with such a loss: ERR_CONFLICT, to be heard in a turn.
 */
bool turns_hear(struct catalog *catalog, int64_t *heard, struct turn_hearer *hearer,
		struct err *err) MUST_CHECK;
