/*
 * One line of the access log: the Combined Log Format, which every reader of such logs knows, then how many seconds the
 * request took, and its id.
 *
 *	203.0.113.7 - Zk3_x81Q [28/Nov/2026:14:06:53 +0000] "GET /api/calls/CA.../download HTTP/1.1" 206 2 "https://crm.example.com/" "Mozilla/5.0 ..." 0.004 3f9c...
 *
 * What others wrote is escaped as nginx does it: quotes, backslashes, control bytes and what is above ASCII become \xHH, so that
 * no text ends its field or its line, and no terminal obeys it.  A text that is too long ends in "...".  What is not there is
 * "-".  A request whose client left before it was answered has the status 499, as nginx calls it.
 *
 * Secrets are gone from what is handed in.  Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

#define ACCESS_LINE_MAX 4096 /* its newline included: PIPE_BUF, so that a pipe takes a line whole */

/* As the request said it; slices of the caller's. */
struct access_request {
	struct str client;         /* "": it came over a Unix socket */
	struct str user;           /* "": nobody is known */
	struct str method, target; /* "": what came was no request */
	struct str referer, agent;
	unsigned minor_version; /* HTTP/1.<minor> */
};

struct access_reply {
	struct str date;     /* when it ended: clock_log_date() */
	struct str id;       /* of the request */
	int status;          /* 0: there was none */
	uint64_t sent_bytes; /* of the body */
	int64_t took_ms;
};

/* At most ACCESS_LINE_MAX bytes. */
void access_line_add(struct buf *line, const struct access_request *request,
		     const struct access_reply *reply);
