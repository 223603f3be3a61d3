/*
 * The network that an address belongs to, as a text: what is counted together.
 */
#pragma once

#include "base/str.h"

#define NETWORK_TEXT_SIZE 48

/*
 * The network of an address as a key: IPv4 as it is (an IPv4-mapped IPv6 address too), IPv6 by its first `bits`
 * (a multiple of 16, at most 64).  What is no address is its own key.
 */
void network_of_address(struct str address, unsigned bits, char out[NETWORK_TEXT_SIZE]);
