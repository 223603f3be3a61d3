/*
 * A call or a recording that the ledger does not know, or a call of which it knows no recording,
 * is asked of Twilio: a play never fails only because a webhook was lost.
 *
 * A serving loop sends a request; the fetching loop first lets the ledger project what it has been
 * told already (a play may follow its webhook's 200 at once), then asks each account in turn
 * (Calls/{CA}/Recordings.json, or Recordings/{RE}.json), commits what it learns as events, and
 * answers when they are projected.  Whoever asks for the same meanwhile waits for the same
 * answer; what is not there is remembered for a minute; and only so many questions are asked a
 * second, so that guessing SIDs costs Twilio nothing.  The others wait, each peer in its turn
 * (base/fair_queue.h), so that whoever guesses keeps only itself waiting.
 */
#pragma once

#include "base/fair_queue.h"
#include "catalog/recordings.h"
#include "event/mailbox.h"

#include <stdbool.h>

struct discovery;
struct rest_env;

enum discovery_result {
	DISCOVERY_FOUND,     /* the ledger knows it now */
	DISCOVERY_NOT_THERE, /* no account of ours has it, or a recording of it */
	DISCOVERY_BUSY,      /* too many wait, or its turn did not come in time */
	DISCOVERY_REFUSED,   /* Twilio refuses our credentials */
	DISCOVERY_FAILED,    /* Twilio did not answer */
};

/* One serving loop's request.  The heap object travels there and back; see discovery_request_new(). */
struct discovery_request {
	struct mail mail;
	struct discovery_request *next; /* discovery's: who waits for the same */
	struct mailbox *reply;
	char sid[SID_SIZE];
	char peer[FAIR_QUEUE_PEER_SIZE];  /* on whose behalf */
	char request_id[REQUEST_ID_SIZE]; /* the same */
	int64_t until_ms;                 /* monotonic: nobody waits any longer */
	enum discovery_result result;
	/* On the reply's loop, which alone touches it; NULL: the asker left. */
	void (*answered)(struct discovery_request *request);
};

struct discovery *discovery_new(const struct rest_env *env);
void discovery_free(struct discovery *discovery); /* frees the requests that wait */

/* Thread: the fetching loop.  Takes the request; sends it back to its mailbox when it is answered. */
void discovery_take(struct discovery *discovery, struct discovery_request *request);
