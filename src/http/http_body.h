/*
 * Collecting the body of a request, up to the bound of its route.  Internal to http.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

struct http_work;

enum http_body_result {
	HTTP_BODY_MORE,  /* all that is in the block was taken: read on */
	HTTP_BODY_WHOLE, /* request->body is it; what is left in the block is the next request's */
	HTTP_BODY_BAD,   /* chunks that are malformed */
	HTTP_BODY_TOO_LARGE, /* chunks beyond the bound; a length beyond it is refused before */
};

/*
 * A body has no meaning with GET, HEAD, DELETE and OPTIONS (RFC 9110, 9.3), and some clients send one all
 * the same: it is read and dropped where the route takes none.  As much as goes into the block behind a head.
 */
#define HTTP_BODY_DROPPED_MAX 4096

/* The most bytes of a body that are taken for this request. */
size_t http_body_bound(const struct http_work *work);
/* The head is whole and work->x.route is set. */
void http_body_start(struct http_work *work);
/* Takes what is in the block. */
enum http_body_result http_body_collect(struct http_work *work) MUST_CHECK;
