/*
 * Which server a request comes to: by the address and port that it arrives at, then by its name.
 */
#pragma once

#include "base/str.h"
#include "nginx/nginx_conf.h"

#include <stdbool.h>
#include <stdint.h>

/* One listen of a server; one without any listens on *:80. */
struct nginx_listen {
	const struct nginx_directive *directive; /* NULL: there is none */
	struct str address; /* "*", an address ("[::]" in brackets), a name, or "unix:PATH" */
	uint16_t port;      /* 0: a socket */
	bool is_default, is_tls, is_quic;
	bool has_proxy_protocol; /* who connects says first for whom */
};

/* The i-th listen of a server; false: it has fewer. */
bool nginx_listen_of(const struct nginx_directive *server, size_t i, struct nginx_listen *out);

/*
 * The block in which servers, maps and upstreams stand: `http`, or, of a file that is meant to be included in it, the
 * root.  NULL: the configuration has neither.
 */
const struct nginx_directive *nginx_http(const struct nginx_conf *conf);
/*
 * The server for a name at an address ("" : any; "*" is then as good as another) and port.  NULL: none listens there.
 * The listen that brought it there is in *out_listen.
 */
const struct nginx_directive *nginx_server_for(const struct nginx_conf *conf, struct str address,
					       uint16_t port, struct str host,
					       struct nginx_listen *out_listen);
/* $server_name: the first name, lower case, without a leading dot; "" without any. */
struct str nginx_server_name(const struct nginx_directive *server);
/* The host of a Host header: without port and trailing dot; the case is as it was. */
struct str nginx_host_of(struct str header);
