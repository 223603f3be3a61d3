/*
 * The states of a connection, one step each: http_conn_enter.h says which follows which.
 *
 * Internal to http.
 */
#pragma once

#include <stdint.h>

struct http_conn;
struct watch;

/*
 * Steps until it must wait for its descriptor, its deadline or its route, or has ended; or until
 * its turn is used up, and then wakes it for the next.
 */
void http_conn_run(struct http_conn *conn);

/* Of its descriptor, or of the one that it reads from; and of the other one that it writes to (serve --stdio). */
void http_conn_ready(struct watch *watch, uint32_t events);
void http_conn_out_ready(struct watch *watch, uint32_t events);
