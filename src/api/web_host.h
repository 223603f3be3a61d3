/*
 * The Host header: is it a name of this server?
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/*
 * Is `host` (of a Host header, a port allowed) a name under which nobody else's page can be: an
 * address, localhost, or the host of public_url (NULL: none)?  A page of another site whose name
 * is bound anew to 127.0.0.1 (DNS rebinding) reaches our port, but says that name.
 */
bool web_host_is_own(struct str host, const char *public_url);

/* localhost, 127.0.0.1 or [::1], a port allowed: what a browser on this machine calls it. */
bool web_host_is_loopback(struct str host);
