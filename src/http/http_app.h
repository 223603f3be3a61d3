/*
 * What a server of http is to the product: what is plugged into it, and the server that
 * every exchange points to.  Opening and stopping one: http_server.h.
 */
#pragma once

#include "base/compiler.h"
#include "base/counter.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/http_options.h"
#include "http/router.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server_inner;

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
	/*
	 * Optional: the head is here, and its route is being found.  What admit() will look at can be had from memory
	 * meanwhile; nothing is decided or replied.
	 */
	void (*expect)(struct exchange *x);
	/*
	 * Optional: may this caller call x->route?  Asked when the head is read and before a byte of the body is
	 * waited for; and once more behind a body that took a second or longer.  False: it has replied, or parked the exchange until exchange_admit() or a
	 * reply.  A route without an access (HTTP_CLOSED) is refused before.
	 */
	bool (*admit)(struct exchange *x);
	/*
	 * Optional: after the last byte of a reply (or its end short of it).  x has its status,
	 * route, id, peer and sent_bytes; slices of the request may be empty by then.
	 */
	void (*ended)(struct exchange *x);
	/* Optional: the client left, or the server stops, and nothing was replied.  The slices are still there. */
	void (*abandoned)(struct exchange *x);
	/* Optional: a reply goes on for a while, and the slices of the request end after this call. */
	void (*shed)(struct exchange *x);
	/* Optional: a loop begins to refuse connections, or has room again.  Not told for each. */
	void (*crowded)(const struct http_server *server, bool is_crowded);
	/*
	 * Optional: peers whose X-Request-Id (and X-Forwarded-*) count.  Asked once a connection, and before
	 * anything of a request is known.
	 */
	bool (*trusts)(const struct exchange *x);
};

/* A loop's own state of the product; embed it and find it by container_of(x->server->local, ...). */
struct http_local {
	char unused;
};

/* The loop's, for any thread to read. */
struct http_server_counts {
	struct gauge connections;           /* as http_server_connections() */
	struct counter connections_refused; /* there were too many, or no descriptor for it */
};

struct http_server {
	struct loop *loop;
	const struct http_app *app;
	struct http_local *local;
	struct http_options options;
	struct http_server_counts counts;
	struct http_server_inner *inner; /* http_server.c's own */
};
