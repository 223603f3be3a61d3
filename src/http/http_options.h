/*
 * What can be set of the HTTP server.  A plain value; times in milliseconds.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

struct http_options {
	unsigned connections_max; /* of this loop; more are answered 503 and closed */
	/*
	 * The system gives the lowest descriptor that is free, so a number tells how many are open in all of
	 * the process.  A connection that gets a higher one than this is answered 503, too; a reply that
	 * would have to go on with a file of a higher one is cut.  The rest is for others than players.
	 */
	int connection_fd_max, file_fd_max;
	int64_t keepalive_timeout_ms; /* between requests */
	int64_t head_timeout_ms;      /* from the first byte of a head to its last */
	int64_t body_timeout_ms;      /* the body must keep a pace: see http_conn.c */
	int64_t send_timeout_ms;      /* no progress of a reply the client does not read */
	int64_t stop_timeout_ms;      /* what SIGTERM leaves to what is being sent */
	int64_t drain_timeout_ms;     /* ... where the next process waits for it */
};
#define HTTP_OPTIONS_DEFAULT                                   \
	((struct http_options){ .connections_max = 20000,      \
				.connection_fd_max = INT_MAX,  \
				.file_fd_max = INT_MAX,        \
				.keepalive_timeout_ms = 75000, \
				.head_timeout_ms = 15000,      \
				.body_timeout_ms = 15000,      \
				.send_timeout_ms = 60000,      \
				.stop_timeout_ms = 10000,      \
				.drain_timeout_ms = 2000 })
