/*
 * The client's address and the public origin behind trusted proxies.
 *
 * X-Forwarded-* and X-Request-Id count only from the addresses of trusted_proxies and
 * over the administrator's socket; from anyone else they are what a stranger wrote.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>

/* Is the other end of this connection such a one?  x->is_trusted is the answer, for the life of the connection. */
bool forwarded_trusts(const struct exchange *x);

/*
 * The address of the client: the other end, or where that is a trusted proxy, what it says in
 * X-Forwarded-For.  The lines of the header are one list; it is read from the right, past the addresses of
 * further trusted proxies, to the first that is none.  What stands left of that the client may have written.
 * Without a port; valid as long as the request is.
 */
struct str forwarded_client(const struct exchange *x);

/*
 * Scheme and host as the outside world sees them, without a slash at the end: public_url
 * when it is set, else from X-Forwarded-Proto and -Host, as the trusted proxy nearest to the client
 * said them, else http and Host.
 */
void forwarded_add_origin(const struct exchange *x, struct buf *url);

/* The same as the request came, whatever public_url is: whoever sent it may have picked it. */
void forwarded_add_asked_origin(const struct exchange *x, struct buf *url);

/* Does that origin begin with https? */
bool forwarded_is_over_tls(const struct exchange *x);

/*
 * The same for an address that is handed on, in which Host may not be whatever its caller picked: public_url, or
 * a name that this machine alone has.  False: there is neither, and *url is as it was.
 */
bool forwarded_add_link_origin(const struct exchange *x, struct buf *url) MUST_CHECK;

/* In trusted_proxies: whoever comes over a Unix socket of `listen`. */
#define FORWARDED_UNIX "unix"
