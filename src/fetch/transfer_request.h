/*
 * What a transfer is to ask for: a plain value, given to transfer_start().
 *
 * Sources: RFC 9110 9.3, 13.1.5, 14.2; RFC 7617.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A file to be sent from its beginning, as it is then: open, and left alone, until the transfer has ended. */
struct transfer_file {
	int fd;
	uint64_t size;
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
	const struct transfer_file *file; /* of PUT: in place of body */

	/* Range: bytes=first-last, TRANSFER_OPEN for "to the end"; if_range: a strong ETag or a date. */
	bool ranged;
	uint64_t first, last;
	const char *if_range;

	int64_t time_limit_ms; /* for all of it, from when its turn came; 0: none, the stall limit suffices */
};

#define TRANSFER_OPEN UINT64_MAX
