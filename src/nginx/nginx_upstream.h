/*
 * Where a proxy_pass leads: an address, a name, or an upstream block.
 */
#pragma once

#include "base/str.h"
#include "nginx/nginx_conf.h"

#include <stdbool.h>
#include <stdint.h>

struct nginx_target {
	bool is_tls;
	struct str host; /* with its port where one is written; "unix:PATH" */
	struct str uri;  /* what stands behind the host; at == NULL: nothing */
	const struct nginx_directive *upstream; /* the block of that name; NULL: none */
};

/* Reads "http://host[:port][/uri]" without variables.  `http` may be NULL.  False: it is none. */
bool nginx_target_read(const struct nginx_directive *http, struct str address,
		       struct nginx_target *out);
/*
 * Where the host ends behind the scheme: before a path, or arguments; a colon ends the path of a socket,
 * "unix:/run/x.sock:/uri".
 */
size_t nginx_host_end(struct str text);
/* Is it a name, which has to be resolved?  A socket, and an address of either kind, is none. */
bool nginx_is_name(struct str host);
/* Without its port. */
struct str nginx_without_port(struct str host);
/* Its port, or the scheme's own. */
uint16_t nginx_target_port(const struct nginx_target *target);
