/*
 * What a server of http is to the product: options, what is plugged into it, and the server that
 * every exchange points to.  Opening and stopping one: http_server.h.
 */
#pragma once

#include "base/compiler.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/router.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server_inner;

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
};
#define HTTP_OPTIONS_DEFAULT                                   \
	((struct http_options){ .connections_max = 20000,      \
				.connection_fd_max = INT_MAX,  \
				.file_fd_max = INT_MAX,        \
				.keepalive_timeout_ms = 75000, \
				.head_timeout_ms = 15000,      \
				.body_timeout_ms = 15000,      \
				.send_timeout_ms = 60000,      \
				.stop_timeout_ms = 10000 })

/* What the product plugs in.  One object serves all loops; `server->app` tells them apart. */
struct http_app {
	const struct http_route *routes;
	size_t route_count;
	/*
	 * Told of a refusal by http itself: status and code of product.md's error table.  Must
	 * reply at once, with reply_begin(x, status) and a body.  For 405, `allow` is the value of Allow.
	 */
	void (*refuse)(struct exchange *x, int status, const char *code, const char *text,
		       const char *allow);
	/* Optional: before route->serve; replies itself and returns false when the caller may not. */
	bool (*admit)(struct exchange *x);
	/*
	 * Optional: after the last byte of a reply (or its end short of it).  x has its status,
	 * route, id, peer and sent_bytes; slices of the request may be empty by then.
	 */
	void (*ended)(struct exchange *x);
	/* Optional: a loop begins to refuse connections, or has room again.  Not told for each. */
	void (*crowded)(const struct http_server *server, bool is_crowded);
	/* Peers whose X-Request-Id (and X-Forwarded-*) count.  Optional. */
	bool (*trusts)(const struct exchange *x);
};

/* A loop's own state of the product; embed it and find it by container_of(x->server->local, ...). */
struct http_local {
	char unused;
};

struct http_server {
	struct loop *loop;
	const struct http_app *app;
	struct http_local *local;
	struct http_options options;
	struct http_server_inner *inner; /* http_server.c's own */
};
