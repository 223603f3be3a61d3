#include "base/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

/* What IPv4 begins with as IPv6 (RFC 4291, 2.5.5.2). */
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

void network_of_address(struct str address, unsigned bits, char out[NETWORK_TEXT_SIZE])
{
	struct in6_addr six;
	char text[NETWORK_TEXT_SIZE];

	str_fit(address, out, NETWORK_TEXT_SIZE);
	str_fit(address, text, sizeof(text));
	if (inet_pton(AF_INET6, text, &six) != 1)
		return;
	if (memcmp(six.s6_addr, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, six.s6_addr + sizeof(mapped), out, NETWORK_TEXT_SIZE);
		return;
	}
	memset(six.s6_addr + bits / 8, 0, sizeof(six.s6_addr) - bits / 8);
	inet_ntop(AF_INET6, &six, out, NETWORK_TEXT_SIZE);
}

/* An address as 16 bytes; IPv4 is mapped, so that both kinds compare alike. */
static bool parse_address(struct str text, uint8_t out[16], unsigned *out_bits)
{
	char address[INET6_ADDRSTRLEN];

	if (!str_copy(text, address, sizeof(address)))
		return false;
	if (inet_pton(AF_INET6, address, out) == 1) {
		*out_bits = 128;
		return true;
	}
	memcpy(out, mapped, sizeof(mapped));
	*out_bits = 32;
	return inet_pton(AF_INET, address, out + 12) == 1;
}

bool network_is_address(struct str text)
{
	uint8_t bytes[16];
	unsigned bits;

	return parse_address(text, bytes, &bits);
}

static bool parse_network(struct str text, uint8_t out[16], unsigned *out_prefix)
{
	size_t slash = str_find(text, '/');
	uint64_t prefix;
	unsigned bits;

	if (!parse_address(str_first(text, slash), out, &bits))
		return false;
	prefix = bits;
	if (slash < text.len && (!str_to_u64(str_after(text, slash + 1), &prefix) || prefix > bits))
		return false;
	*out_prefix = (unsigned)prefix + 128 - bits;
	return true;
}

bool network_is_valid(struct str network)
{
	uint8_t bytes[16];
	unsigned prefix;

	return parse_network(network, bytes, &prefix);
}

bool network_holds(struct str network, struct str address)
{
	uint8_t net[16], host[16];
	unsigned prefix, bits;

	if (!parse_network(network, net, &prefix) || !parse_address(address, host, &bits))
		return false;
	if (memcmp(net, host, prefix / 8) != 0)
		return false;
	return prefix % 8 == 0 || (net[prefix / 8] ^ host[prefix / 8]) >> (8 - prefix % 8) == 0;
}
