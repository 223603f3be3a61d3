/*
 * The states of a connection, and what may follow what.  Internal to http.
 *
 *	IDLE -> HEAD -> ADMITTING -> BODY -> PARKED -> SENDING -> IDLE ...
 *	                                                  |
 *	                                                  +-> LINGERING -> ENDED
 *
 * A body, and parking, are left out where a request needs none; a refusal goes to SENDING at once.  From
 * ADMITTING, BODY and PARKED an exchange may also become UPGRADED, after which the connection serves no
 * request any more.  Every state may end.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum conn_state {
	CONN_IDLE,      /* waits for the first byte of a request; holds no work */
	CONN_HEAD,      /* waits for the rest of a head */
	CONN_ADMITTING, /* waits for the product to say whether this caller may */
	CONN_BODY,      /* waits for the rest of a body */
	CONN_PARKED,    /* waits for the route to reply */
	CONN_SENDING,   /* waits for the socket, or for bytes to arrive, to send more */
	CONN_LINGERING, /* answered and shut down; drops what comes until the client ends, too */
	CONN_UPGRADED,  /* waits for bytes of another protocol, either way: upgrade.h */
	CONN_ENDED,     /* waits to be reaped */
};
#define CONN_STATES (CONN_ENDED + 1)

extern const uint16_t conn_may_follow[CONN_STATES];

static inline bool conn_may_enter(enum conn_state from, enum conn_state to)
{
	return (conn_may_follow[from] & BIT(to)) != 0;
}
