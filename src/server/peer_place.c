#include "server/peer_place.h"

#include "base/buf.h"
#include "base/hash.h"
#include "config/settings.h"
#include "service/passed_sockets.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES 32

/* Of "HOST", "HOST:PORT" and both with an IPv6 address in brackets. */
static struct str host_of(struct str text)
{
	return str_first(text, text.len > 0 && text.at[0] == '[' ? str_find(text, ']') + 1
								 : str_find(text, ':'));
}

/* The port that it got, where any would do. */
static void make_address(const struct settings *settings, int listen_fd, struct peer_place *out)
{
	struct str told = str_of(settings->cluster_address ? settings->cluster_address
							   : settings->cluster_listen);
	struct str host = host_of(told);
	char bound[SOCKET_ADDRESS_SIZE];
	const char *port;

	if (settings->cluster_address && host.len < told.len) {
		str_fit(told, out->address, sizeof(out->address));
		return;
	}
	socket_address_text(listen_fd, bound);
	port = strrchr(bound, ':');
	snprintf(out->address, sizeof(out->address), "%.*s%s", STR_ARG(host), port ? port : "");
}

void peer_place_make(const struct settings *settings, int listen_fd, struct peer_place *out)
{
	uint8_t random[TOKEN_BYTES];
	struct buf hex;

	*out = (struct peer_place){ .address = "" };
	if (listen_fd < 0)
		return;
	make_address(settings, listen_fd, out);
	random_bytes(random, sizeof(random));
	buf_over(&hex, out->token, sizeof(out->token));
	hex_add(&hex, random, sizeof(random));
	explicit_bzero(random, sizeof(random));
}
