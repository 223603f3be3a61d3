/*
 * One small question to Twilio's REST API, its answer collected whole.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fetch/transfer.h"

#include <stdbool.h>

struct account;
struct fetch;

#define REST_REQUEST_BODY_MAX (1024 * 1024) /* a page of 50 recordings takes about 60 KiB */
#define REST_REQUEST_LIMIT_MS 15000         /* metadata comes at once or not at all */

/* Embedded in who asks; all zero: nothing is asked. */
struct rest_request {
	struct transfer_receiver receiver;
	struct transfer *transfer;
	struct buf body;
	int status; /* of the answer; 0: none came whole */
	/* Set by who asks, 0: as above. */
	enum transfer_method method; /* TRANSFER_GET, or TRANSFER_DELETE */
	size_t body_max;
	int64_t limit_ms;
	void (*answered)(struct rest_request *question);
};

/* Asks with the account's credentials; answered() is called once, later.  The url is one of rest.h's. */
bool rest_request_send(struct rest_request *question, struct fetch *fetch,
		       const struct account *account, const char *url,
		       void (*answered)(struct rest_request *question), struct err *err) MUST_CHECK;
/* Cancels it and frees the body; as often as you like. */
void rest_request_release(struct rest_request *question);
