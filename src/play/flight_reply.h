/*
 * A reply from a flight: begun once nothing that its head promises is in doubt, then fed as the bytes arrive.
 *
 * Whose first byte is far ahead of the flight is sent from a part that holds it (flights/seeks.h), for which the flight is
 * asked, until the flight itself has come by.
 */
#pragma once

#include "dispatch/mirror.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* Embedded in what follows the flight, which owns the rest of it. */
struct flight_reply {
	struct exchange *x;
	struct parked *parked;
	struct player *player;
	int64_t generation;   /* once begun: of the media */
	uint64_t arrived;     /* once begun: as last told to the exchange */
	int64_t sought_at_ms; /* when the flight was last told what byte is waited for */
	bool is_ahead;        /* once begun: from a part ahead of the flight */
};

enum flight_reply_begun {
	FLIGHT_REPLY_NOT_YET, /* the head waits */
	FLIGHT_REPLY_GOES_ON, /* it is out, and the exchange is parked on `parked` */
	FLIGHT_REPLY_WHOLE,   /* it was all of the reply */
};

void flight_reply_init(struct flight_reply *reply, struct exchange *x, struct parked *parked,
		       struct player *player);
/* may_chunk: a body whose length nobody knows yet will do. */
enum flight_reply_begun flight_reply_begin(struct flight_reply *reply, const struct news *now,
					   bool may_chunk) MUST_CHECK;
/* Does the flight still carry what was begun? */
bool flight_reply_is_of(const struct flight_reply *reply, const struct news *now);
/* More of it may be here. */
void flight_reply_moved(struct flight_reply *reply, const struct news *now);
