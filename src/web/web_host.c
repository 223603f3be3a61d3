#include "web/web_host.h"

#include <arpa/inet.h>

/* "[::1]:8080" and "calls.example.com:443" without port and brackets. */
static struct str host_alone(struct str host)
{
	if (host.len > 0 && host.at[0] == '[')
		return str_after(str_first(host, str_find(host, ']')), 1);
	return str_first(host, str_find(host, ':'));
}

static bool is_address(struct str name)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	return str_copy(name, text, sizeof(text)) && (inet_pton(AF_INET, text, &address) == 1 ||
						      inet_pton(AF_INET6, text, &address) == 1);
}

bool web_host_is_own(struct str host, const char *public_url)
{
	struct str name = host_alone(host), public = str_of(public_url);

	if (is_address(name) || str_eq_nocase(name, STR("localhost")))
		return true;
	public = str_after(public, str_find_str(public, STR("://")) + 3);
	public = host_alone(str_first(public, str_find(public, '/')));
	return public.len > 0 && str_eq_nocase(name, public);
}
