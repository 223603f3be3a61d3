/*
 * Asking the other processes that serve from the same ledger, each on the listener that it has for them (docs/scaling.md).
 *
 * Connections are this object's own, apart from those to Twilio: to whatever address the ledger has of a process, and to nothing
 * else, for no redirect is followed.  What is shown is the other one's token; it stands in no log and no text.
 *
 * Thread: the fetching loop; what is counted any thread reads.
 */
#pragma once

#include "base/compiler.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/own.h"
#include "fetch/transfer.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct peers;
struct trouble_facts;

#define PEER_ADDRESS_SIZE 280 /* a name of 253 characters, and a port */
#define PEER_TOKEN_SIZE   65  /* 32 random bytes in hexadecimal */
#define PEERS_AT_ONCE     256 /* requests */
#define PEERS_AT_ONE      192 /* of them: one that hangs leaves room for those who answer */

struct peer_address {
	char address[PEER_ADDRESS_SIZE]; /* "10.0.0.5:8081" */
	char token[PEER_TOKEN_SIZE];
};

/* What became of a request. */
enum peer_result {
	PEER_RESULT_MEDIA,       /* all that was asked for */
	PEER_RESULT_BROKEN,      /* some of it, or it was given up here */
	PEER_RESULT_WAITS,       /* nothing is there yet */
	PEER_RESULT_ELSEWHERE,   /* it does not fetch that */
	PEER_RESULT_REFUSED,     /* our token, or our connection */
	PEER_RESULT_UNREACHABLE, /* no answer */
	PEER_RESULT_STRANGE,     /* what was not understood */
	PEER_RESULTS,
};
const char *peer_result_text(enum peer_result result);

struct peer_counts {
	struct counter requests[PEER_RESULTS];
	struct counter received_bytes; /* of media */
};

bool peers_new(struct loop *loop, struct peers **out, struct err *err) MUST_CHECK;
void peers_free(struct peers *peers); /* after all who ask */
DEFINE_AUTO(struct peers *, peers_free)
struct loop *peers_loop(const struct peers *peers);
struct peer_counts *peers_counts(struct peers *peers);

/* What became of a request: counted, and kept where a process is not reached, or says what it should not. */
void peers_told(struct peers *peers, const char *address, enum peer_result result,
		const char *text);
/* Which one is not, since when, and why.  Any thread. */
void peers_read_trouble(struct peers *peers, struct trouble_facts *out);

/* A recording from this byte on; etag: of exactly these bytes, NULL: whatever it has. */
bool peers_ask(struct peers *peers, const struct peer_address *whom, const char *recording_sid,
	       uint64_t first, const char *etag, struct transfer_receiver *receiver,
	       struct transfer **out, struct err *err) MUST_CHECK;
