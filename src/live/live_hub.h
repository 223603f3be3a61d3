/*
 * The hub of one serving loop: hears what has changed, and tells all who are connected there.
 *
 *	feed -> pending -> a reader writes the rows -> a batch -> told to each client, in turns of the loop
 *
 * Every LIVE_TICK_MS at most one batch begins: whatever happens meanwhile waits for the next, each call once.  A walk over the
 * clients gives the loop back after LIVE_TURN_US, so that plays beside it wait no longer than that; the next batch
 * waits for its end.  Thousands of clients cost one query a changed call, and a send each.
 *
 * Who joins says up to which commit they know everything.  What came since then is read for all of them at once who
 * wait, and again until it reaches what all others were told; from there on they are told with them.  So nothing is left out, and nothing
 * told twice, whatever happens at the same time.
 *
 * A client whose session, token or user has changed is ended at once; it may come back, and is asked who it is.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "base/compiler.h"
#include "base/own.h"
#include "live/live_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_hub;
struct loop;
struct mailbox;
struct web;
struct web_counts;

#define LIVE_TICK_MS      250
#define LIVE_PROGRESS_MS  500   /* how far flights are is told no more often */
#define LIVE_QUIET_MS     14000 /* of silence, then a client hears that all is well: within 15 s */
#define LIVE_POLL_MS      25000 /* a long poll is answered, below every proxy's 60 s */
#define LIVE_POLL_STEP_MS 2000  /* ... and for progress alone not before */
#define LIVE_TURN_US      1000

/* All that is handed in is borrowed and outlives it.  Before ledger_start(). */
struct live_hub *live_hub_new(const struct web *web, struct loop *loop, struct mailbox *mailbox,
			      struct web_counts *counts);
void live_hub_free(struct live_hub *hub); /* after the ledger was stopped, and all have left */
DEFINE_AUTO(struct live_hub *, live_hub_free)
/* All clients are ended, and nobody joins any more. */
void live_hub_stop(struct live_hub *hub, bool is_restart);

enum live_room { LIVE_ROOM, LIVE_FULL, LIVE_FULL_OF_USER, LIVE_STOPPED };
/* May one more join, who is this? */
enum live_room live_hub_room(const struct live_hub *hub, const struct known *who);
/* The commit that has everything so far: for who asks of what comes from now on. */
int64_t live_hub_sequence(const struct live_hub *hub);

/* `told`, the query and the rest are set.  It may be told something, or ended, before this returns. */
void live_hub_join(struct live_hub *hub, struct live_client *client);
/* It asks for something else: its query and bottom were changed; `told` goes back, or on, to this commit. */
void live_hub_ask_anew(struct live_client *client, int64_t told);
void live_hub_leave(struct live_client *client); /* as often as you like */
