#include "base/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

void network_of_address(struct str address, unsigned bits, char out[NETWORK_TEXT_SIZE])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
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
