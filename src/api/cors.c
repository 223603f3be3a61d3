#include "api/cors.h"

#include "http/exchange.h"
#include "http/reply.h"

#define PREFLIGHT_AGE "600" /* seconds that a browser may keep the answer: as long as Chrome does */

void cors_add_listed(struct exchange *x)
{
	const char *const *allowed = web_local_of(x)->web->options.cors_origins;
	struct str origin = x->request.known[HTTP_ORIGIN];

	reply_header(x, STR("Vary"), STR("Origin"));
	for (; origin.at && *allowed; allowed++) {
		if (!str_eq(origin, str_of(*allowed)))
			continue;
		reply_header(x, STR("Access-Control-Allow-Origin"), origin);
		reply_header(x, STR("Access-Control-Allow-Credentials"), STR("true"));
		reply_header(
			x, STR("Access-Control-Expose-Headers"),
			STR("Accept-Ranges, Content-Disposition, Content-Length, Content-Location, "
			    "Content-Range, ETag, Last-Modified, Repr-Digest, Retry-After, X-Request-Id"));
		return;
	}
}

void cors_reply_preflight(struct exchange *x, const char *methods)
{
	reply_begin(x, 204);
	reply_header(x, STR("Allow"), str_of(methods));
	reply_header(x, STR("Access-Control-Allow-Methods"), str_of(methods));
	reply_header(
		x, STR("Access-Control-Allow-Headers"),
		STR("Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
		    "If-Unmodified-Since, Range"));
	reply_header(x, STR("Access-Control-Max-Age"), STR(PREFLIGHT_AGE));
	cors_add(x);
	reply_send(x, STR(""));
}
