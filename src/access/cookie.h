/*
 * Cookies (RFC 6265): finding one in a request, setting one in a reply.
 *
 * Over TLS a name begins with __Host-, so that no sibling of our host can set it (RFC 6265bis, 4.1.3.2); over plain
 * HTTP, which is for loopback and for insecure_http alone, it does not.  Only the name of the present
 * connection is read.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

enum cookie {
	COOKIE_SESSION,
	COOKIE_DEVICE,
	COOKIE_LINK, /* with a path of its own: without __Host- */
};

/* May somebody sign in over this connection: by TLS, on loopback, or because insecure_http says so? */
bool cookie_may_sign_in(const struct exchange *x);

/* The value of the first cookie of that name in a Cookie header; at == NULL: none.  Pure. */
struct str cookie_find(struct str header, struct str name);
/* The same in the request, by the name that counts over this connection. */
struct str cookie_of(const struct exchange *x, enum cookie cookie);
/* Set-Cookie; max_age_s 0 ends it; path NULL: "/".  After reply_begin(). */
void cookie_set(struct exchange *x, enum cookie cookie, const char *value, int64_t max_age_s,
		const char *path);
