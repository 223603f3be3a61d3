/*
 * A request as one writes it: an address, and headers in a line each.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "nginx/nginx_visit.h"

#include <stdbool.h>

/*
 * "http[s]://HOST[:PORT][/PATH][?QUERY]" as a GET without other headers, from a client at 203.0.113.7, at any address of
 * the proxy.  Borrows `url`.  ERR_INVALID: it is no such address.
 */
bool nginx_request_of_url(struct str url, struct nginx_request *out, struct err *err) MUST_CHECK;
/* "Name: value".  ERR_INVALID: it is none. */
bool nginx_header_of_line(struct str line, struct nginx_header *out, struct err *err) MUST_CHECK;
