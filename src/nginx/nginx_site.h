/*
 * A right configuration of nginx for callspool: packaging/nginx/callspool.conf, which this holds, with the addresses and
 * limits of a deployment in the places of its own.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct nginx_site_options {
	const char *
		listen; /* of callspool: "127.0.0.1:8080", "0.0.0.0:80", "unix:/run/callspool/http" */
	const char *public_url; /* NULL: not known; any name, port 80, plain HTTP */
	const char *user_header,
		*groups_header; /* by which a proxy says who is signed in; NULL: none */
	int64_t play_wait_ms, keepalive_ms;
	bool is_beside; /* no server of its own: locations for one that another product has */
};

/*
 * ERR_INVALID: public_url is no address, or has a path, below which the page does not work; ERR_INTERNAL: what is to be replaced is
 * not in the file that this was made of.
 */
bool nginx_site_write(const struct nginx_site_options *options, struct buf *out,
		      struct err *err) MUST_CHECK;
/* The file as it is. */
struct str nginx_site_packaged(void);
