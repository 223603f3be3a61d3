/*
 * Does the browser say that our own page asks?
 *
 * A cookie is sent whoever's page makes the request: SameSite keeps it from other sites, not from a
 * sibling subdomain.  So an ambient credential (cookie, proxy header, `auth = none`) counts only
 * where Origin (RFC 6454, 7) or Sec-Fetch-Site (W3C Fetch Metadata) says that it is our page that
 * asks, or one that cors_origins lists and that only reads.  A Bearer token is nobody's reflex: it always counts.
 *
 * Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>

#define ORIGIN_MAX 300 /* "https://" + a name of 253 bytes + ":65535" fits */

/* What a request says.  at == NULL: the header is absent. */
struct origin_request {
	struct str origin; /* the one Origin line */
	struct str site;   /* Sec-Fetch-Site */
	struct str mode;   /* Sec-Fetch-Mode */
	struct str dest;   /* Sec-Fetch-Dest */
	bool is_doubled; /* one of these came more than once: it says nothing that can be believed */
	bool is_reading; /* GET or HEAD, and no upgrade */
	bool is_websocket;
};

/*
 * `own`: our origin as origin_of_url() writes it.  `listed`: cors_origins, the same, NULL-terminated; may be
 * NULL.
 */
bool origin_is_admitted(const struct origin_request *request, struct str own,
			const char *const *listed);
/* Is that Origin one of the list? */
bool origin_is_listed(struct str origin, const char *const *listed);

/*
 * The origin of an http or https address as browsers write it: lower case, no user, no path, no default port.
 * False (nothing written) when it has none.
 */
bool origin_of_url(struct str url, struct buf *out) MUST_CHECK;
