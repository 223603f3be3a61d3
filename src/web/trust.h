/*
 * Whom we believe about where a request came from.
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

bool trust_peer(const struct exchange *x);

/* On whose behalf: the last of X-Forwarded-For where a proxy of ours says so, else the other end. */
struct str trust_client(const struct exchange *x);

/*
 * Is `host` (of a Host header, a port allowed) a name under which nobody else's page can be: an
 * address, localhost, or the host of public_url (NULL: none)?  A page of another site whose name
 * is bound anew to 127.0.0.1 (DNS rebinding) reaches our port, but says that name.
 */
bool trust_host(struct str host, const char *public_url);

/*
 * Scheme and host as the outside world sees them, without a slash at the end: public_url
 * when it is set, else from X-Forwarded-Proto and -Host of a trusted proxy, else http and Host.
 */
void trust_add_public_url(const struct exchange *x, struct buf *url);

/* "10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8": is `address` in it?  False when either is malformed. */
bool trust_network_holds(struct str network, struct str address);
/* True for what trust_network_holds() can read. */
bool trust_network_is_valid(struct str network);
