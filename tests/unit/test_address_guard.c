#include "fetch/address_guard.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static void addresses_are_classified(void)
{
	static const struct {
		const char *text;
		enum address_kind kind;
	} cases[] = {
		{ "8.8.8.8", ADDRESS_PUBLIC },
		{ "54.172.60.0", ADDRESS_PUBLIC },
		{ "0.0.0.0", ADDRESS_UNSPECIFIED },
		{ "0.1.2.3", ADDRESS_UNSPECIFIED },
		{ "1.0.0.0", ADDRESS_PUBLIC },
		{ "9.255.255.255", ADDRESS_PUBLIC },
		{ "10.0.0.0", ADDRESS_PRIVATE },
		{ "10.255.255.255", ADDRESS_PRIVATE },
		{ "11.0.0.0", ADDRESS_PUBLIC },
		{ "100.63.255.255", ADDRESS_PUBLIC },
		{ "100.64.0.0", ADDRESS_SHARED },
		{ "100.127.255.255", ADDRESS_SHARED },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "126.255.255.255", ADDRESS_PUBLIC },
		{ "127.0.0.1", ADDRESS_LOOPBACK },
		{ "127.255.255.255", ADDRESS_LOOPBACK },
		{ "128.0.0.0", ADDRESS_PUBLIC },
		{ "169.253.255.255", ADDRESS_PUBLIC },
		{ "169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "169.255.0.0", ADDRESS_PUBLIC },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.16.0.0", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "191.255.255.255", ADDRESS_PUBLIC },
		{ "192.0.0.0", ADDRESS_RESERVED },
		{ "192.0.0.127", ADDRESS_RESERVED },
		{ "192.0.0.128", ADDRESS_RESERVED },
		{ "192.0.0.255", ADDRESS_RESERVED },
		{ "192.0.1.0", ADDRESS_PUBLIC },
		{ "192.0.2.1", ADDRESS_RESERVED },
		{ "192.88.99.1", ADDRESS_RESERVED },
		{ "192.167.255.255", ADDRESS_PUBLIC },
		{ "192.168.0.0", ADDRESS_PRIVATE },
		{ "192.168.255.255", ADDRESS_PRIVATE },
		{ "192.169.0.0", ADDRESS_PUBLIC },
		{ "198.17.255.255", ADDRESS_PUBLIC },
		{ "198.18.0.0", ADDRESS_RESERVED },
		{ "198.19.255.255", ADDRESS_RESERVED },
		{ "198.20.0.0", ADDRESS_PUBLIC },
		{ "198.51.100.7", ADDRESS_RESERVED },
		{ "203.0.113.7", ADDRESS_RESERVED },
		{ "223.255.255.255", ADDRESS_PUBLIC },
		{ "224.0.0.1", ADDRESS_MULTICAST },
		{ "239.255.255.255", ADDRESS_MULTICAST },
		{ "240.0.0.0", ADDRESS_RESERVED },
		{ "255.255.255.255", ADDRESS_RESERVED },

		{ "2600:1f18::1", ADDRESS_PUBLIC },
		{ "2a00:1450:4001:80b::200e", ADDRESS_PUBLIC },
		{ "::", ADDRESS_UNSPECIFIED },
		{ "::1", ADDRESS_LOOPBACK },
		{ "fc00::", ADDRESS_PRIVATE },
		{ "fdff:ffff::1", ADDRESS_PRIVATE },
		{ "fe00::1", ADDRESS_RESERVED },
		{ "fe80::1", ADDRESS_LINK_LOCAL },
		{ "febf::1", ADDRESS_LINK_LOCAL },
		{ "fec0::1", ADDRESS_PRIVATE },
		{ "ff02::1", ADDRESS_MULTICAST },
		{ "100::1", ADDRESS_RESERVED },
		{ "1000::1", ADDRESS_RESERVED },
		{ "4000::1", ADDRESS_RESERVED },
		{ "2001:db8::1", ADDRESS_RESERVED },
		{ "2001:db9::1", ADDRESS_PUBLIC },
		{ "3fff::1", ADDRESS_RESERVED },
		{ "3fff:1000::1", ADDRESS_PUBLIC },
		{ "2001:2::1", ADDRESS_RESERVED },
		{ "2001:20::1", ADDRESS_RESERVED },
		{ "2001:200::1", ADDRESS_PUBLIC },

		/* an IPv4 address inside */
		{ "::ffff:8.8.8.8", ADDRESS_PUBLIC },
		{ "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
		{ "::ffff:10.0.0.1", ADDRESS_PRIVATE },
		{ "::ffff:0.0.0.0", ADDRESS_UNSPECIFIED },
		{ "::ffff:0:127.0.0.1", ADDRESS_LOOPBACK },
		{ "::127.0.0.1", ADDRESS_LOOPBACK },
		{ "::2", ADDRESS_UNSPECIFIED },
		{ "64:ff9b::8.8.8.8", ADDRESS_PUBLIC },
		{ "64:ff9b::169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "64:ff9b:1::8.8.8.8", ADDRESS_PRIVATE },
		{ "2002:808:808::1", ADDRESS_PUBLIC },
		{ "2002:7f00:1::1", ADDRESS_LOOPBACK },
		{ "2002:a9fe:a9fe::1", ADDRESS_LINK_LOCAL },
		{ "2001:0:808:808::1", ADDRESS_RESERVED },
		{ "2600::5efe:127.0.0.1", ADDRESS_LOOPBACK },
		{ "2600::200:5efe:10.0.0.1", ADDRESS_PRIVATE },
		{ "2600::200:5efe:8.8.8.8", ADDRESS_PUBLIC },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sockaddr_in v4 = { .sin_family = AF_INET };
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
		enum address_kind kind = ADDRESS_UNKNOWN;

		OK(address_classify_text(str_of(cases[i].text), &kind), "'%s' is an address",
		   cases[i].text);
		IS_INT(kind, cases[i].kind, "as a text %s is %s", cases[i].text,
		       address_kind_text(cases[i].kind));
		if (inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1)
			kind = address_classify((const void *)&v4, sizeof(v4));
		else if (inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr) == 1)
			kind = address_classify((const void *)&v6, sizeof(v6));
		IS_INT(kind, cases[i].kind, "and as an address");
	}
}

static void texts_are_told_from_names(void)
{
	static const char *const names[] = { "",
					     "localhost",
					     "api.twilio.com",
					     "127.1",
					     "0x7f.0.0.1",
					     "1.2.3.4.5",
					     "[]",
					     ":::",
					     "127.0.0.1 ",
					     "12345::",
					     "::0000000000000000000000000000000000000000000001" };
	static const char *const addresses[] = { "[::1]", "::1%lo", "[fe80::1%25eth0]",
						 "127.0.0.1" };
	enum address_kind kind;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		OK(!address_classify_text(str_of(names[i]), &kind), "'%s' is a name", names[i]);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		OK(address_classify_text(str_of(addresses[i]), &kind) && kind != ADDRESS_PUBLIC,
		   "'%s' is none", addresses[i]);
}

static void others_are_unknown(void)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	inet_pton(AF_INET, "8.8.8.8", &v4.sin_addr);
	IS_INT(address_classify((const void *)&path, sizeof(path)), ADDRESS_UNKNOWN,
	       "another family");
	IS_INT(address_classify((const void *)&v4, sizeof(v4)), ADDRESS_PUBLIC, "a whole address");
	IS_INT(address_classify((const void *)&v4, 4), ADDRESS_UNKNOWN, "half of one");
}

int main(void)
{
	addresses_are_classified();
	texts_are_told_from_names();
	others_are_unknown();
	return tap_end();
}
