/*
 * The id of a request, which every answer and every line of the log carries.  Internal to http.
 */
#pragma once

struct exchange;

/*
 * Sets x->id: from X-Request-Id if the peer is trusted and the value is of [A-Za-z0-9._-] and short
 * enough; else a new one, 16 hexadecimal digits.  No system call.
 */
void http_request_name(struct exchange *x);
