/*
 * When a session or a token was last shown, as one serving loop saw it, into the ledger: for the lists of both, and
 * for the end of a session that nobody uses.
 *
 * What the loop's table has new is written in batches, of each credential every five minutes at most; where a session
 * is idle in less than an hour, in so much less that the ledger is never behind by more than a quarter of its idle time:
 * another loop, or the next process, has nothing but the ledger to tell whether it is over.
 *
 * Thread: the loop's own.
 */
#pragma once

#include <stdint.h>

struct known_table;
struct last_seen;
struct ledger;
struct loop;
struct mailbox;

/* All that is handed in is borrowed and outlives it.  idle_ms: after which a session is over. */
struct last_seen *last_seen_new(struct ledger *ledger, const struct known_table *table,
				struct loop *loop, struct mailbox *mailbox, int64_t idle_ms);
/* So much later than the ledger says a session may have been seen.  Pure. */
int64_t last_seen_lag_ms(int64_t idle_ms);
void last_seen_free(struct last_seen *seen); /* after the ledger was stopped; NULL does nothing */
