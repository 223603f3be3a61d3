/*
 * One request to somebody else's server, and its answer as it comes.
 *
 * Who owns what: the transfer is the fetch's, from transfer_start() until on_end was
 * called or transfer_cancel() was; after either the pointer is dead.  The receiver
 * is the caller's, embedded in what wants the answer, and is not touched after
 * on_end has begun to return or transfer_cancel() has.  The request is copied.
 *
 * Order: may_follow* on_head? on_bytes* on_end, always on the loop's thread, never
 * from inside transfer_start() or transfer_cancel().  A redirect that is followed
 * shows only in may_follow.  Every callback may start, pause, resume and cancel
 * transfers, its own too.
 *
 * Credentials are sent to the origin (scheme, host and port) of `auth_for` alone, and
 * to nobody once a redirect has led elsewhere, not even back there.  They stand in
 * no log and no text.  The same holds for `headers` and the origin of the URL.
 *
 * Sources: RFC 9110 8.6, 8.8, 10.2.3, 13.1.5, 14, 15.4; RFC 7617; libcurl's
 * manual, libcurl-multi(3).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "fetch/transfer_head.h"
#include "fetch/transfer_outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct transfer;

#define TRANSFER_REDIRECTS_MAX 5

enum transfer_method {
	TRANSFER_GET,
	TRANSFER_HEAD,
	TRANSFER_POST,
	TRANSFER_PUT,
	TRANSFER_DELETE,
};

struct transfer_header {
	const char *name, *value; /* without CR, LF */
};

/* Plain value.  Everything in it is copied; zero and NULL mean "not". */
struct transfer_request {
	enum transfer_method method;
	const char *url;       /* absolute, http or https, without user and password in it */
	bool upgrade_to_https; /* http: becomes https:, in redirects too */

	const char *auth_for;        /* any URL of the origin that user and password are for */
	const char *user, *password; /* Basic; need auth_for */

	const struct transfer_header *headers;
	size_t header_count;
	struct str body; /* of POST and PUT; its Content-Type is one of the headers */

	/* Range: bytes=first-last, TRANSFER_OPEN for "to the end"; if_range: a strong ETag or a date. */
	bool ranged;
	uint64_t first, last;
	const char *if_range;

	int64_t time_limit_ms; /* for all of it, from when its turn came; 0: none, the stall limit suffices */
};

#define TRANSFER_OPEN UINT64_MAX

struct transfer_result {
	enum transfer_outcome outcome;
	int status;         /* of the last answer; 0: none came */
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
	TRANSFER_PAUSE, /* from on_bytes: these bytes are taken, no more until transfer_resume() */
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
	/* Some of the body: never empty, at most 128 KiB; of error pages too. */
	enum transfer_go (*on_bytes)(struct transfer_receiver *receiver, struct str bytes);
	void (*on_end)(struct transfer_receiver *receiver, const struct transfer_result *result);
};

/*
 * Starts it, or lines it up when max_transfers are under way.  ERR_INVALID: the
 * request is wrong (not a URL, a scheme that is not http or https, credentials without
 * auth_for).  *out may be kept for transfer_cancel() and the like.
 */
bool transfer_start(struct fetch *fetch, const struct transfer_request *request,
		    struct transfer_receiver *receiver, struct transfer **out,
		    struct err *err) MUST_CHECK;
/* From anywhere, once: no callback comes any more.  NULL does nothing. */
void transfer_cancel(struct transfer *transfer);
/* As many times as you like; the stall limit does not run while paused. */
void transfer_pause(struct transfer *transfer);
void transfer_resume(struct transfer *transfer); /* bytes come in a later turn, not from inside */

/* Whom it asks now, as in the URL: after redirects, the last one. */
const char *transfer_host(const struct transfer *transfer);
