/*
 * Which location a path comes to.
 */
#pragma once

#include "base/str.h"
#include "nginx/nginx_conf.h"
#include "nginx/nginx_regex.h"

#include <stdbool.h>

enum nginx_location_kind {
	NGINX_LOCATION_PREFIX,
	NGINX_LOCATION_EXACT,        /* = */
	NGINX_LOCATION_FIRM,         /* ^~: a prefix that no expression overrules */
	NGINX_LOCATION_REGEX,        /* ~ */
	NGINX_LOCATION_REGEX_NOCASE, /* ~* */
	NGINX_LOCATION_NAMED,        /* @ */
};

/* What stands behind `location`: the sign may stand apart from the path or before it. */
enum nginx_location_kind nginx_location_read(const struct nginx_directive *location,
					     struct str *out_path);

struct nginx_place {
	/* A location; the server itself where none fits. */
	const struct nginx_directive *block;
	bool redirects; /* nginx answers 301 to the path with a slash behind it */
	bool is_unsure; /* an expression took too long, or is none */
	/* Of the last expression that matched; `regex` is the caller's then, NULL: there was none. */
	struct nginx_regex *regex;
	struct nginx_groups groups;
};

void nginx_place_release(struct nginx_place *place);
/* The place of a normalized path in a server. */
void nginx_location_for(const struct nginx_directive *server, struct str path,
			struct nginx_place *out);
/* The location of that name ("@away"), or NULL. */
const struct nginx_directive *nginx_location_named(const struct nginx_directive *server,
						   struct str name);
