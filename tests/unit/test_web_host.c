#include "api/web_host.h"
#include "tap.h"

int main(void)
{
	static const struct {
		const char *host, *public_url;
		bool is_own;
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
		{ "calls.example.com", "https://user:secret@calls.example.com/x", true,
		  "public_url's, behind a user" },
		{ "user", "https://user:secret@calls.example.com", false,
		  "the user of public_url" },
		{ "evil.example", "https://calls.example.com/@evil.example", false,
		  "a name in the path of public_url" },
		{ "calls.example.com.evil.example", "https://calls.example.com", false,
		  "a name that begins as public_url's" },
		{ "localhost.evil.example", NULL, false, "a name that begins as localhost" },
		{ "127.0.0.1.evil.example", NULL, false, "a name that begins as an address" },
		{ "", NULL, false, "an empty Host" },
		{ "", "https://calls.example.com", false, "an empty Host beside public_url" },
		{ "[", "https://", false, "what is none, twice" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		OK(web_host_is_own(str_of(cases[i].host), cases[i].public_url) == cases[i].is_own,
		   "Host '%s': %s", cases[i].host, cases[i].name);
	return tap_end();
}
