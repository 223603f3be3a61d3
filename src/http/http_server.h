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
#include "http/http_app.h"

#include <stdbool.h>

bool http_server_open(struct loop *loop, const struct http_app *app, struct http_local *local,
		      const struct http_options *options, struct http_server **out,
		      struct err *err) MUST_CHECK;
/* Accepts from a listening socket, which stays the caller's and may be shared among loops. */
void http_server_listen(struct http_server *server, int listen_fd, enum http_listening listening);
/*
 * Serves one connection that is open already (serve --stdio): sockets, pipes or files, which
 * stay the caller's; `ended` is called when it is over.
 */
void http_server_adopt(struct http_server *server, int fd_in, int fd_out,
		       void (*ended)(struct http_server *));
/*
 * Stops accepting.  Replies may finish until stop_timeout, and each is the last on its connection; who has no reply by
 * then is answered 503.  A connection on which nothing is asked ends after a quarter of a second, and after a last look for
 * a request, so that none is lost that was on its way.  Calls stopped() when the last connection is gone.
 */
void http_server_stop(struct http_server *server, void (*stopped)(struct http_server *server));
void http_server_free(struct http_server *server);
unsigned http_server_connections(const struct http_server *server);

/* A listening TCP socket for "127.0.0.1:8080" or "[::1]:0"; the port that it got, in *out_port. */
bool http_listen_tcp(const char *address, int *out_fd, unsigned *out_port,
		     struct err *err) MUST_CHECK;
/* A socket that another process listens on and passed to us: set up as one of our own. */
void http_listen_passed(int fd);
/*
 * A Unix socket of that mode.  One that a process left behind is replaced.  ERR_CONFLICT: somebody listens there;
 * ERR_INVALID: what lies there is no socket.
 */
bool http_listen_unix(const char *path, unsigned mode, int *out_fd, struct err *err) MUST_CHECK;
