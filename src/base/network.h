/*
 * Networks of addresses, as texts: the one that an address belongs to, which is what is counted together, and those that are
 * written down.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

#define NETWORK_TEXT_SIZE 48

/*
 * The network of an address as a key: IPv4 as it is (an IPv4-mapped IPv6 address too), IPv6 by its first `bits`
 * (a multiple of 16, at most 64).  What is no address is its own key.
 */
void network_of_address(struct str address, unsigned bits, char out[NETWORK_TEXT_SIZE]);

/* "10.1.2.3", "::1" */
bool network_is_address(struct str text);
/* "10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8": is `address` in it?  False when either is malformed. */
bool network_holds(struct str network, struct str address);
/* True for what network_holds() can read. */
bool network_is_valid(struct str network);
