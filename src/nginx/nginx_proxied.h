/*
 * What nginx sends to the back end for a request that it passes on.
 */
#pragma once

#include "base/buf.h"
#include "nginx/nginx_upstream.h"
#include "nginx/nginx_visit.h"

#include <stdbool.h>
#include <stddef.h>

#define NGINX_SENT_MAX 128u /* headers; what stands behind them is not told */

struct nginx_sent {
	struct str name;
	char *value;                      /* owned */
	bool is_known;                    /* else it holds what is written */
	const struct nginx_directive *by; /* NULL: nginx's own habit, or the client's own header */
	bool is_clients;
};

struct nginx_proxied {
	struct buf address;     /* proxy_pass with its variables filled in */
	bool is_known;          /* that */
	struct nginx_target to; /* of it; borrows */
	struct str version;     /* "1.0" */
	struct buf target;      /* of the request's line */
	bool target_is_known;
	struct nginx_sent sent[NGINX_SENT_MAX];
	size_t sent_count;
};

/* visit->end is NGINX_PROXIED.  False: the address is none that can be read. */
bool nginx_proxied_start(struct nginx_proxied *proxied, struct nginx_visit *visit);
void nginx_proxied_release(struct nginx_proxied *proxied);
/* The first header of that name, or the next behind `after`; NULL: it is not sent. */
const struct nginx_sent *nginx_sent_find(const struct nginx_proxied *proxied,
					 const struct nginx_sent *after, struct str name);
