/*
 * What kind of address is this?  Pure classification, so that a URL somebody sent us
 * does not make us talk to the machines beside us.  Only ADDRESS_PUBLIC is fetched from
 * unless a setting names the host.
 *
 * An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, ISATAP)
 * is judged by both: 64:ff9b::7f00:1 is loopback.  Teredo is never public.
 *
 * Sources: the IANA special-purpose address registries (RFC 6890 and its updates),
 * RFC 6598 (100.64/10), RFC 6052 and 8215 (NAT64), RFC 3056 (6to4), RFC 4193, RFC 5214.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/socket.h>

enum address_kind {
	ADDRESS_PUBLIC,
	ADDRESS_UNSPECIFIED, /* 0.0.0.0/8, :: -- Linux connects these to itself */
	ADDRESS_LOOPBACK,
	ADDRESS_PRIVATE,    /* 10/8, 172.16/12, 192.168/16, fc00::/7, fec0::/10 */
	ADDRESS_SHARED,     /* 100.64/10: behind a carrier's NAT */
	ADDRESS_LINK_LOCAL, /* 169.254/16 (cloud metadata), fe80::/10 */
	ADDRESS_MULTICAST,
	ADDRESS_RESERVED, /* documentation, benchmarks, future use, broadcast, Teredo ... */
	ADDRESS_UNKNOWN,  /* neither IPv4 nor IPv6 */
};

enum address_kind address_classify(const struct sockaddr *address, socklen_t len);
/* "a public address", "a loopback address" ...: for a sentence. */
const char *address_kind_text(enum address_kind kind);

/*
 * The same for a host as it stands in a URL: a dotted IPv4 address, or an IPv6 one with
 * or without brackets (a %zone is ignored).  False: it is a name.
 */
bool address_classify_text(struct str host, enum address_kind *out) MUST_CHECK;
