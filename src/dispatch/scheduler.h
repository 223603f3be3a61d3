/*
 * Who flies now.
 *
 * Players first, then new recordings, then backfill.  At most `concurrency` flights at once, and
 * player_slots more for those that somebody waits for; backfill never takes over half; how many of
 * them may be of one account, and whether any, limits.h says.  A flight whose media has arrived gives its slot back
 * before it is stored; when as many wait for our disk as may fly, only players' flights begin.
 *
 * What waits is the ledger's (queue.h).  In memory is a flight that flies, that a player
 * follows, or that keeps a file which the next try goes on with; every other is only a row.  A player brings the next
 * try forward; once it is known that nobody waits any more, none is.
 *
 * Owns the flights.  Thread: the fetching loop.
 */
#pragma once

#include "catalog/catalog.h"
#include "flights/flight.h"
#include "flights/flight_update.h"

#include <stdint.h>

struct scheduler;
struct flight_env;

struct scheduler *scheduler_new(const struct flight_env *env);
/* Nothing more is claimed: the ledger is about to be stopped. */
void scheduler_stop(struct scheduler *scheduler);
void scheduler_free(struct scheduler *scheduler);

/* Something may be due in the ledger: at start, and when a recording became one that is to be fetched. */
void scheduler_wake(struct scheduler *scheduler);
/* The options of the flights' env have changed. */
void scheduler_change(struct scheduler *scheduler);
/* Somebody waits for it: goes ahead of the others, and sooner, if that may help. */
void scheduler_nudge(struct scheduler *scheduler, const char *recording_sid);
/* Somebody waits for this byte of a flight of that generation. */
void scheduler_seek(struct scheduler *scheduler, const char *recording_sid, int64_t generation,
		    uint64_t byte);
/*
 * A person had it queued anew by that request (REQUEST_ID_SIZE), which its lines of the log name from now on: due at once, also
 * where waiting was thought pointless.
 */
void scheduler_retry(struct scheduler *scheduler, const char *recording_sid,
		     const char *request_id);
/* It is stored, by another process perhaps: who waits for that here is told so. */
void scheduler_stored(struct scheduler *scheduler, const char *recording_sid);
/* What a process fetched that is no more is anybody's. */
void scheduler_let_go(struct scheduler *scheduler);
/* Is there a flight of it in memory? */
bool scheduler_has(const struct scheduler *scheduler, const char *recording_sid);
/* It was removed: its flight is over. */
void scheduler_abandon(struct scheduler *scheduler, const char *recording_sid);
/*
 * An update came: to its flight, or for the first time: to the flight it is of, which is made when there is none; or for
 * the last time, from a mirror that has no player left.
 */
void scheduler_take_update(struct scheduler *scheduler, struct flight_update *update);

/* Of the flights in memory. */
struct scheduler_counts {
	unsigned queued, flying, waiting;
};
void scheduler_counts(const struct scheduler *scheduler, struct scheduler_counts *out);
/* For any thread to read. */
const struct flight_counts *scheduler_flight_counts(const struct scheduler *scheduler);
