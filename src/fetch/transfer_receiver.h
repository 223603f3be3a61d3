/*
 * Whom a transfer tells of its answer, and how it ended.  When each is called, and what it may
 * do: transfer.h.
 */
#pragma once

#include "base/str.h"
#include "fetch/transfer_head.h"
#include "fetch/transfer_outcome.h"

#include <stdbool.h>
#include <stdint.h>

#define TRANSFER_REDIRECTS_MAX 5
#define TRANSFER_PIECE_MAX     (128 * 1024) /* of a body, at once: what one receive brings at most */

struct transfer_result {
	enum transfer_outcome outcome;
	int status;         /* of the last answer; 0: none came */
	bool is_refused;    /* TRANSFER_NOT_CONNECTED: nobody listens there (ECONNREFUSED) */
	uint64_t bytes;     /* of the body, given to on_bytes */
	uint32_t redirects; /* followed */
	int64_t first_byte_ms; /* since the request was started: until the head was here; -1: none came */
	int64_t total_ms;
	char text
		[256]; /* why, for a person; "" for TRANSFER_OK.  May name the host, never the credentials */
};

enum transfer_go {
	TRANSFER_GO_ON,
	TRANSFER_STOP, /* ends with TRANSFER_STOPPED; the connection is given up unless all had come */
};

/* Each may be NULL: then it goes on. */
struct transfer_receiver {
	/*
	 * A redirect to `url` is about to be followed (GET and HEAD only; other methods get
	 * the 3xx as their answer).  False: TRANSFER_REFUSED_REDIRECT.
	 */
	bool (*may_follow)(struct transfer_receiver *receiver, const char *url);
	/* The head of the final answer, once, before its first byte.  Valid during the call. */
	enum transfer_go (*on_head)(struct transfer_receiver *receiver,
				    const struct transfer_head *head);
	/* Some of the body: never empty, at most TRANSFER_PIECE_MAX; of error pages too. */
	enum transfer_go (*on_bytes)(struct transfer_receiver *receiver, struct str bytes);
	void (*on_end)(struct transfer_receiver *receiver, const struct transfer_result *result);
	/* Each line of a head as it came, with its CR LF: of redirects and of 1xx, too, and before what they lead to. */
	void (*on_line)(struct transfer_receiver *receiver, struct str line);
};
