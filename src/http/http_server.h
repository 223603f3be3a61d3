/*
 * The HTTP/1.1 server of one loop: listeners in, connections, limits.
 *
 * Each serving loop has one; all of them accept from the same listening
 * sockets (EPOLLEXCLUSIVE).  Errors of the protocol itself (400, 404, 405, 408, 413,
 * 414, 415, 417, 431, 503, 505) are told through `refuse`, so that their bodies are the
 * product's.  What is refused and why: docs/http.md.
 *
 * Opening one makes the process ignore SIGPIPE, which sendfile() would raise.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/router.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_options {
	unsigned connections_max;     /* of this loop; more are answered 503 and closed */
	int64_t keepalive_timeout_ms; /* between requests */
	int64_t head_timeout_ms;      /* from the first byte of a head to its last */
	int64_t body_timeout_ms;      /* the body must keep a pace: see http_conn.c */
	int64_t send_timeout_ms;      /* no progress of a reply the client does not read */
	int64_t stop_timeout_ms;      /* what SIGTERM leaves to what is being sent */
};
#define HTTP_OPTIONS_DEFAULT                                   \
	((struct http_options){ .connections_max = 20000,      \
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

bool http_server_open(struct loop *loop, const struct http_app *app, struct http_local *local,
		      const struct http_options *options, struct http_server **out,
		      struct err *err) MUST_CHECK;
/* Accepts from a listening socket, which stays the caller's and may be shared among loops. */
void http_server_listen(struct http_server *server, int listen_fd, bool is_unix);
/*
 * Serves one connection that is open already (serve --stdio): sockets, pipes or files, which
 * stay the caller's; `ended` is called when it is over.
 */
void http_server_adopt(struct http_server *server, int fd_in, int fd_out,
		       void (*ended)(struct http_server *));
/*
 * Stops accepting, closes idle connections, lets replies finish until stop_timeout;
 * calls stopped() when the last connection is gone.
 */
void http_server_stop(struct http_server *server, void (*stopped)(struct http_server *server));
void http_server_free(struct http_server *server);
unsigned http_server_connections(const struct http_server *server);

/* A listening TCP socket for "127.0.0.1:8080" or "[::1]:0"; the port that it got, in *out_port. */
bool http_listen_tcp(const char *address, int *out_fd, unsigned *out_port,
		     struct err *err) MUST_CHECK;
/* A Unix socket with mode 0600; an old one at that path is replaced. */
bool http_listen_unix(const char *path, int *out_fd, struct err *err) MUST_CHECK;
