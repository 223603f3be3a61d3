/*
 * Cross-origin requests: what other origins' pages may read of us, and send (Fetch standard,
 * "CORS protocol").  Only the origins in cors_origins, each with its credentials.
 */
#pragma once

struct exchange;

/* Access-Control-* for an allowed Origin, nothing for others.  After reply_begin(). */
void cors_add(struct exchange *x);
/* Answers a preflight: OPTIONS of an address that allows these methods ("GET, HEAD"). */
void cors_reply_preflight(struct exchange *x, const char *methods);
