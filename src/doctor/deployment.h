/*
 * What the doctor examines: where callspool answers, how it is set, what stands before it.  Put together by the command (or by
 * the server that examines itself), and lent to each check.
 */
#pragma once

#include <stdint.h>

#define LIMIT_UNKNOWN (-1)
#define LIMIT_NONE    INT64_MAX

/* In ms.  `source`: file:line, or the option that gave it; borrowed; NULL where the limit is unknown. */
struct proxy_limit {
	int64_t ms;
	const char *source;
};

#define PROXY_LIMIT_UNKNOWN ((struct proxy_limit){ .ms = LIMIT_UNKNOWN })

/* Of the proxy, towards callspool. */
struct proxy_limits {
	struct proxy_limit connect, send, read;
	struct proxy_limit keepalive; /* how long it keeps an idle connection */
};

/* The settings in force of the server that runs; where none does, those that were given. */
struct server_facts {
	const char *version;    /* NULL: no server runs */
	const char *public_url; /* NULL: not set */
	const char *direct_url; /* "http://127.0.0.1:8080"; NULL: it listens on no TCP address */
	int64_t play_wait_ms, keepalive_ms;
	uint64_t body_max; /* of what anybody posts */
};

struct deployment {
	struct server_facts server;
	const char *public_url; /* that, or what --url says; NULL: none */
	const char *nginx_conf; /* FILE; "-": standard input; NULL: not given */
	struct proxy_limits
		proxy; /* by options; the group `proxy` adds what nginx's configuration says */
};
