/*
 * Whom a trusted proxy names: with auth = proxy, in the headers of proxy.user_header and proxy.groups_header.
 *
 * From anybody else the header is what a stranger wrote: it does not count, and the log says so once a minute.  A
 * second line of it is refused, for one of the two may be the stranger's.
 */
#pragma once

#include "accounts/users.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdint.h>

#define PROXY_IDENTITY_SIZE (USER_NAME_SIZE + 1 + sizeof(uint16_t))

/* Names that the doctor sends to see whether a forged header arrives: refused whatever the proxy is. */
#define PROXY_IDENTITY_DOCTOR "callspool-doctor-"

enum proxy_identity {
	PROXY_IDENTITY_NONE,  /* nobody is named, or by a stranger */
	PROXY_IDENTITY_NAMED, /* *out is "name NUL rights", as admission.h wants it */
	PROXY_IDENTITY_DOUBLED, /* a header of these comes twice: one of the two may be a stranger's */
	PROXY_IDENTITY_REFUSED, /* a name that is none, or in no group that may anything */
	PROXY_IDENTITY_TESTED,  /* the doctor's: a forged header arrives */
};

enum proxy_identity proxy_identity_read(struct exchange *x, char room[PROXY_IDENTITY_SIZE],
					struct str *out);
