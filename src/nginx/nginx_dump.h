/*
 * What `nginx -T` prints: all files of a configuration in one text, each below a line that names it.
 *
 *	# configuration file /etc/nginx/nginx.conf:
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/*
 * Is it such a text?  Before the first marker may stand what nginx says of itself: "nginx: ... test is successful", and of
 * `nginx -VT` its version.
 */
bool nginx_is_dump(struct str text);
/* 1029007 for 1.29.7, of "nginx version: nginx/1.29.7" before the first marker; 0: it is not told. */
unsigned nginx_dump_version(struct str text);
/*
 * Takes the next file off *rest.  False: none is left.  *out_text is without the newline that nginx adds.
 */
bool nginx_dump_cut(struct str *rest, struct str *out_path, struct str *out_text);
