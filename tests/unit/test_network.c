#include "base/network.h"

#include "tap.h"

static void test_networks(void)
{
	static const struct {
		const char *address;
		unsigned bits;
		const char *want;
	} cases[] = {
		{ "203.0.113.7", 64, "203.0.113.7" },
		{ "::ffff:203.0.113.7", 64, "203.0.113.7" },
		{ "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::" },
		{ "2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::" },
		{ "::1", 64, "::" },
		{ "", 64, "" },
		{ "no address", 64, "no address" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char network[NETWORK_TEXT_SIZE];

		network_of_address(str_of(cases[i].address), cases[i].bits, network);
		IS_STR(str_of(network), str_of(cases[i].want), "the network of '%s' by %u bits",
		       cases[i].address, cases[i].bits);
	}
}

static void test_held(void)
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
		OK(network_holds(str_of(cases[i].network), str_of(cases[i].address)) ==
			   cases[i].holds,
		   "'%s' in '%s'", cases[i].address, cases[i].network);
}

int main(void)
{
	test_networks();
	test_held();
	return tap_end();
}
