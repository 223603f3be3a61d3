/*
 * Preconditions in the order of RFC 9110, 13.2.2, and If-Range (13.1.5, strong compare).  Pure.
 */
#pragma once

#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

enum conditional_result {
	CONDITIONAL_GO_ON,        /* and Range counts, if conditional_range_counts() */
	CONDITIONAL_NOT_MODIFIED, /* 304 */
	CONDITIONAL_FAILED,       /* 412 */
};

/*
 * What the request is held against.  etag: with its quotes, at == NULL when there is none
 * yet; modified_at_ms: wall clock, whole seconds count; 0 when there is none.
 */
struct validators {
	struct str etag;
	int64_t modified_at_ms;
};

/* Is there a precondition at all?  If-Range is none. */
static inline bool conditional_is_asked(const struct http_request *request)
{
	return request->known[HTTP_IF_MATCH].at || request->known[HTTP_IF_NONE_MATCH].at ||
	       request->known[HTTP_IF_MODIFIED_SINCE].at ||
	       request->known[HTTP_IF_UNMODIFIED_SINCE].at;
}
enum conditional_result conditional_check(const struct http_request *request,
					  const struct validators *now);
/* False: an If-Range is there and does not match, so a Range is to be ignored. */
bool conditional_range_counts(const struct http_request *request, const struct validators *now);
