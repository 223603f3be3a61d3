/*
 * A recording that another process fetches, followed from here for those who play it here.
 *
 * A reader asks the ledger who has the lease of it; then its bytes come from there (peer/peer_stream.h) into a file of the flight's own
 * without a name, and players hear them like any.  The flight holds no slot meanwhile, and writes nothing to the ledger.  The last byte is
 * held back until the ledger says that it is stored, of the same generation and length; what has not come by then is read from
 * the store.  Where nobody has the lease any more the flight is fetched here, and the file given up as soon as an attempt has begun: that
 * is another generation.  Nobody who waits for it here any more is noticed by the next look, which follows it no further.
 *
 * Part of a flight: what stands here is for its owner, and runs on his thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flight;

/* What came of it, to the owner (flight_owner.looked). */
enum follow_result {
	FOLLOW_NOBODY,  /* nobody fetches it: FOLLOWING still, for the owner to queue it */
	FOLLOW_NOWHERE, /* somebody does, and is not asked: WAITING, to be queued again soon */
	FOLLOW_OVER,    /* the flight is over */
};

/* Somebody waits for it, and for all that is known another process fetches it. */
bool flight_may_follow(const struct flight *flight);
/* QUEUED -> FOLLOWING. */
void flight_follow(struct flight *flight);
/* FOLLOWING: looks in the ledger, in so many ms at the latest. */
void flight_look_in(struct flight *flight, int64_t wait_ms);
