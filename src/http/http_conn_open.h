/*
 * How a connection begins: accepted, or found open.  Internal to http.
 *
 * Both are counted in server->inner at once, and until inner->left() is called.
 */
#pragma once

#include "http/exchange.h"

#include <stdbool.h>

struct http_server;

/*
 * A connection that was accepted; owns the fd, which does not block.  Runs it, so that it may have ended
 * on return.  over_limit: it is told so (503) and closed.
 */
void http_conn_open(struct http_server *server, int fd, enum http_listening listening,
		    const char *peer, bool over_limit);
/* See http_server_adopt(). */
void http_conn_adopt(struct http_server *server, int fd_in, int fd_out,
		     void (*ended)(struct http_server *));
