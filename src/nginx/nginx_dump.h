/*
 * What `nginx -T` prints: all files of a configuration in one text, each below a line that names it.
 *
 *	# configuration file /etc/nginx/nginx.conf:
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* Is it such a text?  nginx's own messages ("nginx: ... test is successful") may stand before the first marker. */
bool nginx_is_dump(struct str text);
/*
 * Takes the next file off *rest.  False: none is left.  *out_text is without the newline that nginx adds.
 */
bool nginx_dump_cut(struct str *rest, struct str *out_path, struct str *out_text);
