#include "fetch/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* One row: the addresses whose first `bits` bits are those of `prefix`.  The first that fits counts. */
struct v4_block {
	uint8_t prefix[4];
	unsigned bits;
	enum address_kind kind;
};

static const struct v4_block v4_blocks[] = {
	{ { 0 }, 8, ADDRESS_UNSPECIFIED },
	{ { 10 }, 8, ADDRESS_PRIVATE },
	{ { 100, 64 }, 10, ADDRESS_SHARED },
	{ { 127 }, 8, ADDRESS_LOOPBACK },
	{ { 169, 254 }, 16, ADDRESS_LINK_LOCAL },
	{ { 172, 16 }, 12, ADDRESS_PRIVATE },
	{ { 192, 0, 0 }, 24, ADDRESS_RESERVED },   /* IETF protocol assignments */
	{ { 192, 0, 2 }, 24, ADDRESS_RESERVED },   /* documentation */
	{ { 192, 88, 99 }, 24, ADDRESS_RESERVED }, /* 6to4 relays, given up */
	{ { 192, 168 }, 16, ADDRESS_PRIVATE },
	{ { 198, 18 }, 15, ADDRESS_RESERVED },      /* benchmarks */
	{ { 198, 51, 100 }, 24, ADDRESS_RESERVED }, /* documentation */
	{ { 203, 0, 113 }, 24, ADDRESS_RESERVED },  /* documentation */
	{ { 224 }, 4, ADDRESS_MULTICAST },
	{ { 240 }, 4, ADDRESS_RESERVED }, /* future use, and broadcast */
};

/* embeds: where an IPv4 address stands that counts as well; 0: there is none. */
struct v6_block {
	uint8_t prefix[16];
	unsigned bits;
	unsigned embeds;
	enum address_kind kind;
};

static const struct v6_block v6_blocks[] = {
	{ { 0 }, 128, 0, ADDRESS_UNSPECIFIED },
	{ { [15] = 1 }, 128, 0, ADDRESS_LOOPBACK },
	{ { [10] = 0xff, 0xff }, 96, 12, ADDRESS_PUBLIC },      /* IPv4-mapped */
	{ { [8] = 0xff, 0xff }, 96, 12, ADDRESS_PUBLIC },       /* IPv4-translated, RFC 2765 */
	{ { 0 }, 96, 12, ADDRESS_PUBLIC },                      /* IPv4-compatible */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12, ADDRESS_PUBLIC }, /* NAT64 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0, 1 }, 48, 0, ADDRESS_PRIVATE }, /* NAT64 of one's own net */
	{ { 0x01 }, 64, 0, ADDRESS_RESERVED },                        /* discard */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, 0, ADDRESS_RESERVED },      /* documentation */
	{ { 0x20, 0x01 }, 23, 0, ADDRESS_RESERVED }, /* Teredo, ORCHID, benchmarks ... */
	{ { 0x20, 0x02 }, 16, 2, ADDRESS_PUBLIC },   /* 6to4 */
	{ { 0x3f, 0xff }, 20, 0, ADDRESS_RESERVED }, /* documentation, RFC 9637 */
	{ { 0xfc }, 7, 0, ADDRESS_PRIVATE },
	{ { 0xfe, 0x80 }, 10, 0, ADDRESS_LINK_LOCAL },
	{ { 0xfe, 0xc0 }, 10, 0, ADDRESS_PRIVATE }, /* site-local, given up but routed somewhere */
	{ { 0xff }, 8, 0, ADDRESS_MULTICAST },
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(address, prefix, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

static enum address_kind classify_v4(const uint8_t address[4])
{
	for (size_t i = 0; i < ARRAY_LEN(v4_blocks); i++)
		if (has_prefix(address, v4_blocks[i].prefix, v4_blocks[i].bits))
			return v4_blocks[i].kind;
	return ADDRESS_PUBLIC;
}

/* The interface half of an ISATAP address: [02]00:5efe, then an IPv4 address (RFC 5214, 6.1). */
static bool is_isatap(const uint8_t address[16])
{
	return (address[8] & 0xfc) == 0 && address[9] == 0 && address[10] == 0x5e &&
	       address[11] == 0xfe;
}

static enum address_kind classify_v6(const uint8_t address[16])
{
	for (size_t i = 0; i < ARRAY_LEN(v6_blocks); i++) {
		const struct v6_block *block = &v6_blocks[i];

		if (!has_prefix(address, block->prefix, block->bits))
			continue;
		return block->embeds ? classify_v4(address + block->embeds) : block->kind;
	}
	if ((address[0] & 0xe0) != 0x20)
		return ADDRESS_RESERVED; /* only 2000::/3 has been given out */
	return is_isatap(address) ? classify_v4(address + 12) : ADDRESS_PUBLIC;
}

enum address_kind address_classify(const struct sockaddr *address, socklen_t len)
{
	if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in v4;
		uint8_t bytes[4];

		memcpy(&v4, address, sizeof(v4));
		memcpy(bytes, &v4.sin_addr, sizeof(bytes));
		return classify_v4(bytes);
	}
	if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof(v6));
		return classify_v6(v6.sin6_addr.s6_addr);
	}
	return ADDRESS_UNKNOWN;
}

bool address_classify_text(struct str host, enum address_kind *out)
{
	char text[INET6_ADDRSTRLEN + 1];
	uint8_t bytes[16];

	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = str_first(str_after(host, 1), host.len - 2);
	host = str_first(host, str_find(host, '%'));
	if (!str_copy(host, text, sizeof(text)))
		return false;
	if (inet_pton(AF_INET, text, bytes) == 1)
		*out = classify_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*out = classify_v6(bytes);
	else
		return false;
	return true;
}

const char *address_kind_text(enum address_kind kind)
{
	switch (kind) {
	case ADDRESS_PUBLIC:
		return "a public address";
	case ADDRESS_UNSPECIFIED:
		return "an unspecified address";
	case ADDRESS_LOOPBACK:
		return "a loopback address";
	case ADDRESS_PRIVATE:
		return "a private address";
	case ADDRESS_SHARED:
		return "an address behind a carrier's NAT";
	case ADDRESS_LINK_LOCAL:
		return "a link-local address";
	case ADDRESS_MULTICAST:
		return "a multicast address";
	case ADDRESS_RESERVED:
		return "a reserved address";
	case ADDRESS_UNKNOWN:
		break;
	}
	return "an address of an unknown family";
}
