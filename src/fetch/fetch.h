/*
 * HTTP requests to others: libcurl's multi interface on one of our loops.
 *
 * A struct fetch owns the connections (kept alive between transfers), the names
 * resolved, the TLS sessions and a pool of easy handles; transfers (transfer.h) are
 * started on it.  HTTP/1.1 alone, one transfer a connection at a time: a recording
 * is one long body, and over one HTTP/2 connection a stalled one would hold up the
 * others' window.  http and https alone, no content coding, no cookies, no .netrc, and
 * none of the environment's proxy variables.
 *
 * The address guard: a connection is opened only to a public address, unless the
 * URL's host is one of allowed_hosts; checked where the socket is opened, on the
 * address that it is opened to, because a name can resolve twice.  Through a proxy
 * it is the proxy that resolves: then only hosts written as addresses are checked.
 *
 * Thread: all of it on the loop's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct fetch;
struct loop;

/* Plain value; texts are copied.  0 and NULL mean the default that is named. */
struct fetch_options {
	const char *proxy;      /* "http://proxy:3128"; NULL: none */
	const char *ca_file;    /* PEM, whom to trust; NULL: the system's */
	const char *user_agent; /* NULL: "callspool/VERSION" */
	/*
	 * Hosts that may be at addresses which are not public, names or addresses without a
	 * port, compared whole and without case; NULL-terminated, NULL: none.
	 */
	const char *const *allowed_hosts;
	bool allows_all; /* whatever address it is: who asks names hosts of our own alone */
	int64_t connect_timeout_ms; /* resolving, connecting, TLS; 10 s */
	int64_t stall_timeout_ms;   /* 30 s: ended when in so long a time ... */
	uint64_t stall_bytes_per_s; /* ... fewer came (or went) than this a second; 1024 */
	/* Transfers at once; more wait their turn, first come first served, and their time limits do not run; 64. */
	uint32_t max_transfers;
	uint32_t
		max_per_origin; /* of them, to one origin: others pass by those that wait; 0: all */
};

bool fetch_new(struct loop *loop, const struct fetch_options *options, struct fetch **out,
	       struct err *err) MUST_CHECK;
/* Cancels what is under way, without a callback.  Not from inside a transfer's callback. */
void fetch_free(struct fetch *fetch);
DEFINE_AUTO(struct fetch *, fetch_free)

/* From now on; those under way go on. */
void fetch_set_max_transfers(struct fetch *fetch, uint32_t max_transfers);
/*
 * Who hears what time it is where credentials are good: the Date of each answer of an origin that a transfer's were for.
 * Outlives the fetch.
 */
struct date_listener {
	void (*heard)(struct date_listener *listener, int64_t date_ms);
};
void fetch_listen_dates(struct fetch *fetch, struct date_listener *listener);
/* Would one that is started now begin at once? */
bool fetch_has_room(const struct fetch *fetch);
/* Under way / waiting for their turn. */
uint32_t fetch_active(const struct fetch *fetch);
uint32_t fetch_waiting(const struct fetch *fetch);
