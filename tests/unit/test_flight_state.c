#include "flights/flight.h"
#include "tap.h"

/* The diagram of docs/flights.md, as ways; what is not here must not be. */
static const struct {
	enum flight_state from, to;
} ways[] = {
	{ FLIGHT_QUEUED, FLIGHT_ASKING },
	{ FLIGHT_QUEUED, FLIGHT_FOLLOWING },
	{ FLIGHT_FOLLOWING, FLIGHT_QUEUED },  /* nobody fetches it any more */
	{ FLIGHT_FOLLOWING, FLIGHT_WAITING }, /* who fetches it cannot be asked */
	{ FLIGHT_FOLLOWING, FLIGHT_STORED },
	{ FLIGHT_FOLLOWING, FLIGHT_GONE },
	{ FLIGHT_QUEUED, FLIGHT_WAITING }, /* its account is left alone for now */
	{ FLIGHT_ASKING, FLIGHT_CHECKING },
	{ FLIGHT_ASKING, FLIGHT_WAITING },
	{ FLIGHT_ASKING, FLIGHT_DEAD },
	{ FLIGHT_ASKING, FLIGHT_ABSENT },
	{ FLIGHT_ASKING, FLIGHT_GONE },
	{ FLIGHT_CHECKING, FLIGHT_ARRIVING },
	{ FLIGHT_CHECKING, FLIGHT_SEALING }, /* so short that its end told what it is */
	{ FLIGHT_CHECKING, FLIGHT_WAITING },
	{ FLIGHT_CHECKING, FLIGHT_DEAD },
	{ FLIGHT_CHECKING, FLIGHT_ABSENT },
	{ FLIGHT_CHECKING, FLIGHT_GONE },
	{ FLIGHT_ARRIVING, FLIGHT_SEALING },
	{ FLIGHT_ARRIVING, FLIGHT_WAITING },
	{ FLIGHT_ARRIVING, FLIGHT_DEAD },
	{ FLIGHT_ARRIVING, FLIGHT_ABSENT },
	{ FLIGHT_ARRIVING, FLIGHT_GONE },
	{ FLIGHT_SEALING, FLIGHT_STORED },
	{ FLIGHT_SEALING, FLIGHT_WAITING },
	{ FLIGHT_SEALING, FLIGHT_DEAD },
	{ FLIGHT_SEALING, FLIGHT_ABSENT },
	{ FLIGHT_SEALING, FLIGHT_GONE },
	{ FLIGHT_WAITING, FLIGHT_QUEUED },
	{ FLIGHT_QUEUED, FLIGHT_GONE }, /* the recording was deleted here */
	{ FLIGHT_WAITING, FLIGHT_GONE },
};

static bool is_way(enum flight_state from, enum flight_state to)
{
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (ways[i].from == from && ways[i].to == to)
			return true;
	return false;
}

int main(void)
{
	for (enum flight_state from = 0; from < FLIGHT_STATES; from++)
		for (enum flight_state to = 0; to < FLIGHT_STATES; to++)
			OK(flight_may_enter(from, to) == is_way(from, to), "%s -> %s",
			   flight_state_text(from), flight_state_text(to));
	return tap_end();
}
