/*
 * One recording, as it comes from the process that fetches it.
 *
 * There is one request at a time.  A connection that breaks is made again, and goes on with the byte that is missing, of exactly the
 * same bytes (If-Match); whoever reads what has come notices nothing.  Where the other has begun anew meanwhile, so does
 * this: another generation, from byte 0.  What must be asked of the ledger is doubted, and said so; it
 * never decides by itself that the other is no more.
 *
 * Embedded in its owner, who is called from the loop, never from inside of a function below; each callback may stop it.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "event/loop.h"
#include "fetch/transfer.h"
#include "peer/peer_answer.h"
#include "peer/peers.h"

#include <stdbool.h>
#include <stdint.h>

enum peer_doubt {
	PEER_DOUBT_WHO, /* it does not fetch that, or is not who it was: nothing more is asked */
	PEER_DOUBT_GONE, /* nobody listens there, three times in a row; it is asked again all the same */
};

struct peer_stream {
	/* The owner's. */
	struct peers *peers;
	struct peer_address whom;
	const char *recording_sid;
	/* A file begins, in place of any before: media says of what.  False: it cannot; asked again in a while. */
	bool (*begins)(struct peer_stream *stream, const struct peer_media *media);
	/* Some more of it. */
	bool (*takes)(struct peer_stream *stream, struct str bytes);
	/* All of it is here, or how long it is is known by now, or ->reason is another, or ->is_pointless. */
	void (*told)(struct peer_stream *stream);
	void (*doubts)(struct peer_stream *stream, enum peer_doubt doubt);

	/* To be read. */
	struct peer_media media; /* generation 0: nothing has come yet */
	uint64_t arrived;
	bool is_whole;
	struct peer_reason reason; /* why nothing comes */
	bool is_pointless;

	/* internal */
	struct transfer_receiver receiver;
	struct transfer *transfer;
	struct timer again;
	struct peer_head head;
	enum peer_answer answer;
	bool has_answer, is_ours_failed, is_off;
	bool is_plain;                 /* the next request is for whatever it has, from the start */
	uint64_t position, began_with; /* of the request */
	uint64_t asked_with;           /* was here when it was sent */
	unsigned failures, refusals, waits;
	size_t body_len;
	char body[2048];
};

/* Asks.  What is the owner's is set, all else zero; or it was stopped, and goes on. */
void peer_stream_start(struct peer_stream *stream);
/* Nothing more is asked; as often as you like. */
void peer_stream_stop(struct peer_stream *stream);
/* Is something on its way just now? */
bool peer_stream_flows(const struct peer_stream *stream);
