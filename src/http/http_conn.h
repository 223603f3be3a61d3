/*
 * The states of a connection, one step each: http_conn_enter.h says which follows which.
 *
 * Internal to http.
 */
#pragma once

struct http_conn;

/*
 * Steps until it must wait for its descriptor, its deadline or its route, or has ended; or until
 * its turn is used up, and then wakes it for the next.
 */
void http_conn_run(struct http_conn *conn);
