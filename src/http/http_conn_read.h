/*
 * Reading from a connection.  Internal to http.
 *
 * The descriptor is edge-triggered: conn->readable is set by an edge, and cleared here by a call that
 * found nothing more.  A recv() that gives less than it could has drained the socket, which saves the
 * second one that would only say EAGAIN; unless the client has ended, because that is no further edge.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

struct http_conn;

enum read_result { READ_SOME, READ_NONE, READ_END, READ_FAILED };

/* *out_len is set with READ_SOME alone. */
enum read_result conn_read(struct http_conn *conn, char *to, size_t size,
			   size_t *out_len) MUST_CHECK;
/* Reads behind what the block holds. */
enum read_result conn_read_on(struct http_conn *conn) MUST_CHECK;
