/*
 * Method + path -> function: a constant table, read from top to bottom.
 *
 *	{ BIT(HTTP_GET) | BIT(HTTP_HEAD), "/api/recordings/{}/media", media_get, .access = ... },
 *
 * A `{}` matches one whole path segment (not empty, no '/'), kept raw in
 * request->params in order; a segment may have a literal tail: "{}.json".  `access` is the product's,
 * and for http only something or nothing: a route that names none is answered 403, whoever asks.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_CLOSED 0 /* the access of a route that names none */

struct http_route {
	unsigned methods; /* BIT(HTTP_GET) | ... */
	const char *pattern;
	void (*serve)(struct exchange *x);
	size_t body_max; /* bytes; 0: a body is refused with 413 */
	const char *
		body_types; /* "application/json application/x-www-form-urlencoded"; NULL: any.  Else 415 */
	unsigned access; /* who may call it: the product's own enumeration */
};

enum router_result { ROUTER_FOUND, ROUTER_NO_PATH, ROUTER_NO_METHOD };

/*
 * Sets request->params and *out.  ROUTER_NO_METHOD: the path is known with other methods,
 * whose bits are in *out_methods (for Allow); of the path "*", those of all routes.  HEAD matches where GET does not stand beside it only
 * if listed.
 */
enum router_result router_find(const struct http_route *routes, size_t count,
			       struct http_request *request, const struct http_route **out,
			       unsigned *out_methods);
