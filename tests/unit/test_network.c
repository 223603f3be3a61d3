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

int main(void)
{
	test_networks();
	return tap_end();
}
