/*
 * Who flies next, how many at once, and when again.
 *
 * Players first, then new recordings, then backfill.  At most `limit` flights at once, and
 * player_slots more for those that somebody waits for; backfill never takes over half.  A
 * flight whose media has arrived gives its slot back before it is stored; when as many wait for
 * our disk as may fly, only players' flights begin.
 * The limit is `concurrency` until Twilio says "too many": then it is halved (at most once
 * a round trip), and grows by one with each full round of successes (additive increase,
 * multiplicative decrease).  When Twilio refuses an account's credentials, nothing of
 * that account flies for a minute.
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
void scheduler_free(struct scheduler *scheduler);

/* A recording that is to be fetched, `wait_ms` from now; does nothing when its flight is known. */
void scheduler_add(struct scheduler *scheduler, const char *recording_sid, const char *call_sid,
		   const char *account_sid, enum flight_rank rank, int64_t wait_ms);
/* Somebody waits for it: goes ahead of the others, and sooner, if that may help. */
void scheduler_nudge(struct scheduler *scheduler, const char *recording_sid);
/* Somebody waits for this byte of a flight of that generation. */
void scheduler_seek(struct scheduler *scheduler, const char *recording_sid, int64_t generation,
		    uint64_t byte);
/* A person says so: also where waiting was thought pointless. */
void scheduler_retry(struct scheduler *scheduler, const char *recording_sid, const char *call_sid,
		     const char *account_sid);
/* A update came: to its flight, or for the first time: to the flight it is of, which is made when there is none. */
void scheduler_take_update(struct scheduler *scheduler, struct flight_update *update);

struct scheduler_counts {
	unsigned queued, flying, waiting;
	unsigned limit;
};
void scheduler_counts(const struct scheduler *scheduler, struct scheduler_counts *out);
