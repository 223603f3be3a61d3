/*
 * The processes that serve from one ledger: who lives, and what becomes of what the dead had.
 *
 * Each has a row (catalog/processes.h) with a number that it raises every MEMBER_BEAT_MS.  Whoever sees another's number stand still in
 * MEMBER_BEATS of his own beats, one after the other, buries it: the row goes, and with it whatever that process believes.
 * So death is counted and not timed: no clock is compared, and one who slept, or could not reach the
 * server, has counted nothing.  A living one that is buried commits nothing more, and begins anew under another number.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/processes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

#define MEMBER_BEAT_MS 2000
#define MEMBER_BEATS   7
#define MEMBERS_MAX    64
#define MEMBER_BEATS_SUSPECTED \
	2 /* of one at whose address nobody listens: somebody waits for what it has */

struct member {
	int64_t id, beat;
	unsigned still; /* one's own beats in a row in which its number did not move */
};

/* What a process says of itself with each beat, for who looks after them (cluster/roll.h); nothing decides by it. */
struct member_standing {
	bool is_clock_known;
	int64_t clock_ahead_ms; /* of this machine's clock before the server's, as a beat has measured it */
	bool hears;             /* of turns at once (listening.h); else it looks often */
	bool prepares;          /* statements by name: no pooler that takes them for another's */
};

struct members {
	struct member_standing own; /* the clock is measured by each beat, and told by the next */
	struct member at[MEMBERS_MAX]; /* by id; the others */
	size_t count;
	bool has_lost; /* one that was there is so no more */
	bool is_eldest; /* of all that live one is the longest here: it does what is done once for all (docs/scaling.md) */
};

/*
 * CATALOG_WRITE, outside a transaction: the number of the latest turn, and whether one's own row is there; what is asked often.
 */
bool members_look(struct catalog *catalog, int64_t *out_sequence, bool *out_is_alive,
		  struct err *err) MUST_CHECK;
/*
 * CATALOG_WRITE, outside a transaction: beats, and looks at the others.  ERR_CONFLICT: one was buried, or left behind.  What fails says
 * nothing of the others: they are as they were.
 */
bool members_beat(struct catalog *catalog, struct members *members, struct err *err) MUST_CHECK;
/* Who is to be buried; NULL: nobody.  `suspect`: who is thought to be no more, for another reason; 0: nobody. */
const struct member *members_find_dead(const struct members *members, int64_t suspect);

/*
 * In a write transaction: ends it, unless it beats.  Its attempts are closed, what it fetched is free for others, who
 * are told so.
 */
bool member_bury(struct catalog *catalog, const struct member *member, int64_t at_ms,
		 bool *out_buried, struct err *err) MUST_CHECK;
/* The same of oneself, at the end. */
bool member_leave(struct catalog *catalog, int64_t at_ms, struct err *err) MUST_CHECK;

/*
 * catalog_enlist().  Whoever is listed as being in that place is no more, and is buried at once.
 * ERR_INVALID: a newer callspool has left this one behind.
 */
bool members_enlist(struct catalog *catalog, const struct member_place *place, int64_t at_ms,
		    struct err *err) MUST_CHECK;
