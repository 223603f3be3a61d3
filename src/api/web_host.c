#include "api/web_host.h"

#include "base/compiler.h"

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

/* Of "https://user:password@host:port/path", host and port. */
static struct str authority_of(struct str url)
{
	struct str rest = str_after(url, str_find_str(url, STR("://")) + 3), last = STR_NONE;

	rest = str_first(rest, str_find(rest, '/'));
	while (str_cut(&rest, '@', &last))
		;
	return last;
}

bool web_host_is_own(struct str host, const char *public_url)
{
	struct str name = host_alone(host), own;

	if (is_address(name) || str_eq_nocase(name, STR("localhost")))
		return true;
	own = host_alone(authority_of(str_of(public_url)));
	return own.len > 0 && str_eq_nocase(name, own);
}

/* "" or ":8080"; never ":@elsewhere", which would make the name before it somebody's user name. */
static bool is_port(struct str text)
{
	uint64_t port;

	return text.len == 0 || (text.at[0] == ':' && str_to_u64(str_after(text, 1), &port));
}

bool web_host_is_loopback(struct str host)
{
	static const struct str names[] = { { "localhost", 9 },
					    { "127.0.0.1", 9 },
					    { "[::1]", 5 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts_nocase(host, names[i]) && is_port(str_after(host, names[i].len)))
			return true;
	return false;
}
