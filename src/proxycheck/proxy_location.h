/*
 * A location of its own for requests that stray: lines that pass them on to callspool as they should be, beside what the
 * configuration has.
 *
 * What the server around it already has right is left out, for it is inherited.  Headers are all or none: one that is set in a
 * location drops those of the server, which are therefore repeated beside those that are missing.
 */
#pragma once

#include "base/buf.h"
#include "proxycheck/proxy_view.h"

/* `way` came to a server, and was not passed on, or with another path than it should be.  Adds nothing where a location would not help: it is never looked at. */
void proxy_location_write(const struct deployment *deployment, const struct proxy_way *way,
			  struct buf *out);
