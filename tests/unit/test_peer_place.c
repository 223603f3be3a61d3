/* Where other processes find this one. */
#include "server/peer_place.h"

#include "base/mem.h"
#include "base/own.h"
#include "config/settings.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int main(void)
{
	const struct {
		const char *name;
		char *address, *listen;
		const char *told; /* "@": and the port that it got */
	} rows[] = {
		{ "what is listened to", NULL, (char[]){ "127.0.0.1:0" }, "127.0.0.1@" },
		{ "any address of IPv6", NULL, (char[]){ "[::]:0" }, "[::]@" },
		{ "an address with its port", (char[]){ "peer.example.com:8081" },
		  (char[]){ "127.0.0.1:0" }, "peer.example.com:8081" },
		{ "an address alone", (char[]){ "peer.example.com" }, (char[]){ "127.0.0.1:0" },
		  "peer.example.com@" },
		{ "the same of IPv6, with its port", (char[]){ "[2001:db8::1]:8081" },
		  (char[]){ "127.0.0.1:0" }, "[2001:db8::1]:8081" },
		{ "and without", (char[]){ "[2001:db8::1]" }, (char[]){ "127.0.0.1:0" },
		  "[2001:db8::1]@" },
	};
	static struct settings settings;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	AUTO(close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct peer_place place, other;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (const void *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (void *)&address, &len) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t host = strcspn(rows[i].told, "@");
		AUTO(free)
		char *told = rows[i].told[host] == '@'
				     ? xasprintf("%.*s:%u", (int)host, rows[i].told,
						 ntohs(address.sin_port))
				     : xstrdup(rows[i].told);

		settings.cluster_address = rows[i].address;
		settings.cluster_listen = rows[i].listen;
		peer_place_make(&settings, fd, &place);
		IS_STR(str_of(place.address), str_of(told), "%s", rows[i].name);
	}
	peer_place_make(&settings, fd, &other);
	OK(strlen(place.token) == 64 && strspn(place.token, "0123456789abcdef") == 64,
	   "it shows a token");
	OK(strcmp(place.token, other.token) != 0, "another time another");
	peer_place_make(&settings, -1, &other);
	OK(!other.address[0] && !other.token[0], "who does not listen is nowhere, and shows none");
	return tap_end();
}
