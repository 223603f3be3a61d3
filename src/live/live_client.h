/*
 * Somebody who is told of calls that change: what they are shown, how far they were told, and what each message says.
 *
 * A message is one JSON object (docs/api.md).  What a client is told as rows is bounded, by
 * LIVE_ROWS_MAX in one message and LIVE_ROWS_PER_S over time: who is shown more reads a page of the list with less effort
 * than as many rows.  What was too much, or came while the client took nothing, is counted and told as a number.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "auth/known.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/list.h"
#include "catalog/calls.h"
#include "listing/calls_list.h"
#include "live/call_query.h"
#include "live/live_read.h"
#include "media/arriving.h"

#include <stdbool.h>
#include <stdint.h>

struct json;
struct live_client;
struct live_hub;
struct live_user;

#define LIVE_ROWS_MAX      100 /* a page of the list, as the calls page asks for it */
#define LIVE_ROWS_PER_S    20
#define LIVE_WISHES_MAX    40 /* that a client asks for something else at once, and over time */
#define LIVE_WISHES_PER_S  4
#define LIVE_ARRIVING_MAX  64  /* of one message of progress */
#define LIVE_ARRIVING_JSON 256 /* two SIDs and two numbers */

/* Why a client is told nothing any more. */
enum live_end {
	LIVE_END_SIGNED_OUT, /* what it was admitted by is over */
	LIVE_END_STOP,       /* the server stops */
	LIVE_END_RESTART,    /* ... and another process goes on */
};

/* How a client is reached.  None of these may end another client; all may end this one. */
struct live_channel {
	/* False: it has not taken what it was sent before, or it is over. */
	bool (*is_ready)(struct live_client *client);
	/* A message.  False: there was no room for it. */
	bool (*send)(struct live_client *client, struct str json);
	/* Nothing follows; the client leaves the hub, now or later. */
	void (*end)(struct live_client *client, enum live_end why);
	bool is_one_answer; /* the first message with something in it is the last: a long poll */
};

/* What is arriving, as it is told. */
struct live_progress {
	struct arriving at[LIVE_ARRIVING_MAX];
	size_t count;
	size_t json_at[LIVE_ARRIVING_MAX + 1]; /* where each begins, and the last ends */
	char json[LIVE_ARRIVING_MAX * LIVE_ARRIVING_JSON];
};
/* `json`, once for all who are told. */
void live_progress_write(struct live_progress *progress);

/* Embedded in a channel's own.  What is asked for is set before it joins the hub. */
struct live_client {
	const struct live_channel *channel;
	struct call_query query;
	struct call_cursor bottom; /* older calls are not wanted; zeroed: all are */
	int64_t told;              /* all commits up to this one */
	bool is_new;               /* it has no number yet: it is told one at once */
	struct known who;          /* kind 0: everybody may (auth = none) */

	/* internal: */
	struct list link;
	struct live_hub *hub;   /* NULL once it has left */
	struct live_user *user; /* the hub's count of its like */
	bool is_joining;        /* what came after `told` is being read */
	bool is_asked_anew;     /* ... and meanwhile it asked for something else */
	bool is_greeted;        /* it was told something since it joined, or asked anew */
	bool has_id;            /* what it sent is to be acknowledged by `id` */
	int64_t id;
	int64_t joined_at_ms, told_at_ms; /* monotonic */
	int64_t rows_at_ms;               /* for LIVE_ROWS_PER_S: rows_left were left then */
	unsigned rows_left;
	int64_t wishes_at_ms; /* for LIVE_WISHES_PER_S */
	unsigned wishes_left;
	bool owes_progress; /* something moved that it was not told yet */
	uint64_t more; /* changes that it was not told as rows, and not told the number of yet */
};

/* Of what has just joined. */
void live_client_begin(struct live_client *client, int64_t now_ms);
/* It asks for something else.  False: it did so too often. */
bool live_client_may_wish(struct live_client *client, int64_t now_ms) MUST_CHECK;

/*
 * What the batch has for it, as the members of an object: `seq`, and calls and gone, or more; from now on it is told up to
 * the batch's sequence.  False: nothing, and nothing was written.
 */
bool live_client_add_batch(struct live_client *client, const struct live_batch *batch,
			   int64_t now_ms, struct json *json) MUST_CHECK;
/* The same while it takes nothing: what the batch has for it is counted, to be told later. */
void live_client_pass_batch(struct live_client *client, const struct live_batch *batch);
/* "progress", of what it may be shown, as it was written.  False: nothing, and nothing was written. */
bool live_client_add_progress(const struct live_client *client,
			      const struct live_progress *progress, struct json *json) MUST_CHECK;
/* "seq" alone, and the acknowledgement of what it sent. */
void live_client_add_seq(struct live_client *client, struct json *json);
