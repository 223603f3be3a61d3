#include "tap.h"
#include "web/trust.h"

static void check_hosts(void)
{
	static const struct {
		const char *host, *public_url;
		bool is_trusted;
		const char *name;
	} cases[] = {
		{ "127.0.0.1", NULL, true, "an address" },
		{ "127.0.0.1:8080", NULL, true, "an address and a port" },
		{ "[::1]:8080", NULL, true, "an IPv6 address and a port" },
		{ "[::1]", NULL, true, "an IPv6 address" },
		{ "LocalHost:8080", NULL, true, "localhost, in any case" },
		{ "evil.example", NULL, false, "a stranger's name" },
		{ "evil.example:8080", "https://calls.example.com", false,
		  "a stranger's name beside public_url" },
		{ "calls.example.com", "https://calls.example.com", true, "public_url's" },
		{ "Calls.Example.Com:443", "https://calls.example.com:8443/path", true,
		  "public_url's, whatever port and path" },
		{ "calls.example.com.evil.example", "https://calls.example.com", false,
		  "a name that begins as public_url's" },
		{ "localhost.evil.example", NULL, false, "a name that begins as localhost" },
		{ "127.0.0.1.evil.example", NULL, false, "a name that begins as an address" },
		{ "", NULL, false, "an empty Host" },
		{ "", "https://calls.example.com", false, "an empty Host beside public_url" },
		{ "[", "https://", false, "what is none, twice" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(trust_host(str_of(cases[i].host), cases[i].public_url) == cases[i].is_trusted,
		   "Host '%s': %s", cases[i].host, cases[i].name);
}

int main(void)
{
	static const struct {
		const char *network, *address;
		bool holds;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.2.3", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "fd00::/8", "fd12::1", true },
		{ "fd00::/8", "fe80::1", false },
		{ "::1", "::1", true },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/33", "10.0.0.1", false },
		{ "10.0.0/8", "10.0.0.1", false },
		{ "", "10.0.0.1", false },
		{ "10.0.0.0/8", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(trust_network_holds(str_of(cases[i].network), str_of(cases[i].address)) ==
			   cases[i].holds,
		   "'%s' in '%s'", cases[i].address, cases[i].network);
	check_hosts();
	return tap_end();
}
