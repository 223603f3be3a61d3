/*
 * One try of one notice: a POST, signed, and what the receiver made of it.
 *
 * The status is the answer: what comes after it is read up to DELIVERY_ANSWER_MAX, only so that the connection can be
 * used again.  A redirect is an answer as any other, for it would carry what was signed for one to another.
 *
 * Thread: the notifier's loop.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "chores/notices_queue.h"
#include "fetch/transfer.h"

#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_ANSWER_MAX (16 * 1024)

struct delivery_to {
	struct fetch *fetch;
	const char *url, *public_url;
	const struct signing *signing;
	int64_t timeout_ms;
};

/* Embedded in who sends; all zero: nothing is under way. */
struct delivery {
	struct notice notice; /* set by who sends */
	int status;           /* 0: no answer */
	int64_t retry_after_ms;
	char failure[NOTICE_FAILURE_SIZE]; /* why it was not taken, for a person; "" when it was */

	/* internal */
	struct transfer_receiver receiver;
	struct transfer *transfer;
	uint64_t answer_bytes;
	void (*ended)(struct delivery *delivery);
};

/* ended() is called once, later.  On failure it is not, and status and failure are those of none. */
bool delivery_start(struct delivery *delivery, const struct delivery_to *to, int64_t wall_ms,
		    void (*ended)(struct delivery *delivery), struct err *err) MUST_CHECK;
