/*
 * Cross-origin requests: what other origins' pages may read of us, and send (Fetch standard,
 * "CORS protocol").  Only the origins in cors_origins, each with its credentials.
 */
#pragma once

#include "api/web.h"

/* Where cors_origins names some: cors_add(). */
void cors_add_listed(struct exchange *x);
/* Access-Control-* for an allowed Origin, nothing for others.  After reply_begin(). */
static inline void cors_add(struct exchange *x)
{
	const char *const *allowed = web_local_of(x)->web->options.cors_origins;

	if (allowed && allowed[0])
		cors_add_listed(x);
}
/* Answers a preflight: OPTIONS of an address that allows these methods ("GET, HEAD"). */
void cors_reply_preflight(struct exchange *x, const char *methods);
