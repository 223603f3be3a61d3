/*
 * The states of a flight and the ways between them: the table of flight.h, asserted.
 */
#include "flights/flight_private.h"

#include "base/log.h"

#include <assert.h>

static const char *const state_names[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = "queued",     [FLIGHT_ASKING] = "asking",
	[FLIGHT_CHECKING] = "checking", [FLIGHT_ARRIVING] = "arriving",
	[FLIGHT_SEALING] = "sealing",   [FLIGHT_WAITING] = "waiting",
	[FLIGHT_STORED] = "stored",     [FLIGHT_DEAD] = "dead",
	[FLIGHT_ABSENT] = "absent",     [FLIGHT_GONE] = "gone",
};

#define ENDINGS (BIT(FLIGHT_DEAD) | BIT(FLIGHT_ABSENT) | BIT(FLIGHT_GONE))

static const uint32_t may_enter[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = BIT(FLIGHT_ASKING) | BIT(FLIGHT_WAITING),
	[FLIGHT_ASKING] = BIT(FLIGHT_CHECKING) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_CHECKING] = BIT(FLIGHT_ARRIVING) | BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) |
			    ENDINGS,
	[FLIGHT_ARRIVING] = BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_SEALING] = BIT(FLIGHT_STORED) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_WAITING] = BIT(FLIGHT_QUEUED),
};

const char *flight_state_text(enum flight_state state)
{
	return state_names[state];
}

bool flight_may_enter(enum flight_state from, enum flight_state to)
{
	return may_enter[from] & BIT(to);
}

void flight_enter(struct flight *flight, enum flight_state state)
{
	struct log_tag tag = { .name = "recording" };

	assert(flight_may_enter(flight->state, state));
	memcpy(tag.id, flight->recording_sid, SID_SIZE);
	log_debug(&tag, "%s -> %s", state_names[flight->state], state_names[state]);
	flight->state = state;
}

bool flight_is_over(const struct flight *flight)
{
	return may_enter[flight->state] == 0;
}
