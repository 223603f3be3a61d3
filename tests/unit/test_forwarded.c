#include "tap.h"
#include "web/forwarded.h"

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
		OK(forwarded_network_holds(str_of(cases[i].network), str_of(cases[i].address)) ==
			   cases[i].holds,
		   "'%s' in '%s'", cases[i].address, cases[i].network);
	return tap_end();
}
