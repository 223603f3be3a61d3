/*
 * How often somebody may try: buckets in a table of fixed size.
 *
 * A bucket holds `burst` tries and gets one back every `interval_ms`.  What it is of (a network, an account, a
 * credential) is a text, of which a keyed hash is kept.  The table never grows: where a set is
 * full, the bucket with the most tries left goes, for it is the one whose loss forgives least.  So whoever comes
 * from a million addresses takes no memory, and does not wash out those who are over their limit.
 *
 * Thread: any; a mutex, held for some 50 ns, and never on the way of who is known.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum throttle_rule {
	THROTTLE_NETWORK,        /* sign-ins of one IPv4 address or IPv6 /64 */
	THROTTLE_NETWORK_WIDE,   /* ... of one IPv6 /48 */
	THROTTLE_ACCOUNT,        /* sign-ins to one account from browsers that are not known */
	THROTTLE_ACCOUNT_DEVICE, /* ... from one that is */
	THROTTLE_UNKNOWN,        /* credentials that nobody knows, of one network */
	/* Each opening is a row and an entry of the audit: room for an office, none for who would fill the ledger. */
	THROTTLE_LINK,        /* openings of one link, of one IPv4 address or IPv6 /64 */
	THROTTLE_LINK_WIDE,   /* ... of one IPv6 /48 */
	THROTTLE_MISSING_SID, /* SIDs that are not there, of one credential */
	THROTTLE_PLAYS,       /* recordings that one user begins to play (played.h) */
	THROTTLE_RULES,
};

struct throttle;

/* `plays_an_hour`: the burst of THROTTLE_PLAYS. */
struct throttle *throttle_new(unsigned plays_an_hour);
void throttle_free(struct throttle *throttle);
/* From now on; a user who has begun more recordings than that waits until they are an hour old. */
void throttle_set_plays(struct throttle *throttle, unsigned plays_an_hour);

/*
 * Takes one try.  False when none is left: *out_wait_ms is how long until the next one.  `now_ms`: of the
 * monotonic clock; where it goes backwards, nobody gains or loses.
 */
bool throttle_take(struct throttle *throttle, enum throttle_rule rule, struct str key,
		   int64_t now_ms, int64_t *out_wait_ms) MUST_CHECK;
/* Would it be taken?  Takes nothing. */
bool throttle_allows(struct throttle *throttle, enum throttle_rule rule, struct str key,
		     int64_t now_ms, int64_t *out_wait_ms) MUST_CHECK;
/* How many more would be taken now. */
unsigned throttle_left(struct throttle *throttle, enum throttle_rule rule, struct str key,
		       int64_t now_ms);
/* The try was a good one: gives it back. */
void throttle_give_back(struct throttle *throttle, enum throttle_rule rule, struct str key,
			int64_t now_ms);
