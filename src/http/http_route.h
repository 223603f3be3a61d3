/*
 * What becomes of a request that is understood: a route, or a refusal in http's own name.
 *
 * Internal to http.  Each of these replies, or parks the exchange, or leaves the connection in the state
 * that is named: its state says which.
 */
#pragma once

#include <stdbool.h>

struct http_conn;
struct http_refusal;

extern const struct http_refusal http_refusal_large_body;

/* Head is whole: CONN_ADMITTING, with work->is_admitted set unless the product wants time. */
void http_find_route(struct http_conn *conn);
/* The caller may: CONN_BODY when there is one to wait for. */
void http_admitted(struct http_conn *conn);
/* Body is here, too: serves, or CONN_ADMITTING again. */
void http_body_is_whole(struct http_conn *conn);
/*
 * Answers in http's own name.  `sound`: the request was read to its end, so that the next one can
 * follow.  `allow`: for 405, else NULL.
 */
void http_refuse(struct http_conn *conn, const struct http_refusal *why, const char *allow,
		 bool sound);
