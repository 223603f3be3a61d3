/*
 * When a session or a token was last shown, as one serving loop saw it, into the ledger: for the lists of both, and
 * for the end of a session that nobody uses.
 *
 * Each minute a batch of what the loop's table has new is written, of each credential every five minutes at most.
 *
 * Thread: the loop's own.
 */
#pragma once

struct known_table;
struct last_seen;
struct ledger;
struct loop;
struct mailbox;

/* All that is handed in is borrowed and outlives it. */
struct last_seen *last_seen_new(struct ledger *ledger, const struct known_table *table,
				struct loop *loop, struct mailbox *mailbox);
void last_seen_free(struct last_seen *seen); /* after the ledger was stopped; NULL does nothing */
