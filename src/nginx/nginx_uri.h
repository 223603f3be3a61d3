/*
 * The target of a request as nginx reads it (ngx_http_parse_complex_uri), and writes it to a back end.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * The path that locations are compared with: %XX decoded, "." and ".." resolved, slashes merged where `merges`.  False:
 * nginx answers 400.  *out_args: what stands behind '?', as it is; *out_quoted: something was decoded.
 */
bool nginx_uri_normalize(struct str target, bool merges, struct buf *out, struct str *out_args,
			 bool *out_quoted);
/* Adds a path with what a target must not hold as %XX. */
void nginx_uri_escape(struct str path, struct buf *out);
