#include "flights/flight.h"
#include "flights/flight_private.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

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

/* A slot is of the rank with which it was taken, whatever becomes of the flight's. */
static void test_lists(void)
{
	static struct flight_owner owner;
	static struct flight flight = { .owner = &owner,
					.state = FLIGHT_QUEUED,
					.rank = FLIGHT_BACKFILL,
					.recording_sid = "RE1" };
	const struct flight_lists *lists = &owner.lists;
	char(*at_hand)[SID_SIZE];
	size_t count;

	flight_lists_init(&owner.lists);
	list_init(&flight.place);
	IS_INT(flight_lists_flying(lists), 0, "nothing flies");
	flight_join_list(&flight);
	OK(lists->count[FLIGHT_QUEUED] == 1 && lists->in_line[FLIGHT_BACKFILL] == 1 &&
		   flight_lists_flying(lists) == 0,
	   "one stands in the line of its rank, and has no slot");
	count = flight_lists_at_hand(lists, &at_hand);
	OK(count == 1 && strcmp(at_hand[0], "RE1") == 0, "it is at hand");
	free(at_hand);
	flight_enter(&flight, FLIGHT_ASKING);
	OK(lists->count[FLIGHT_QUEUED] == 0 && lists->in_line[FLIGHT_BACKFILL] == 0 &&
		   lists->count[FLIGHT_ASKING] == 1 && lists->slots[FLIGHT_BACKFILL] == 1 &&
		   flight_lists_flying(lists) == 1,
	   "it asks, in a slot of its rank");
	flight.rank = FLIGHT_FOR_PLAYERS;
	flight_enter(&flight, FLIGHT_CHECKING);
	OK(lists->count[FLIGHT_ASKING] == 0 && lists->count[FLIGHT_CHECKING] == 1 &&
		   lists->slots[FLIGHT_BACKFILL] == 1 && lists->slots[FLIGHT_FOR_PLAYERS] == 0,
	   "which it keeps when a player comes");
	flight_enter(&flight, FLIGHT_WAITING);
	OK(lists->count[FLIGHT_WAITING] == 1 && flight_lists_flying(lists) == 0,
	   "and gives back when it waits");
	count = flight_lists_at_hand(lists, &at_hand);
	IS_INT(count, 1, "one that waits is at hand");
	free(at_hand);
	flight.is_as_in_ledger = true;
	count = flight_lists_at_hand(lists, &at_hand);
	IS_INT(count, 0, "but for one that waits as its row says");
	free(at_hand);
	flight_leave_list(&flight);
	flight_leave_list(&flight);
	IS_INT(lists->count[FLIGHT_WAITING], 0, "it leaves, once");
}

int main(void)
{
	for (enum flight_state from = 0; from < FLIGHT_STATES; from++)
		for (enum flight_state to = 0; to < FLIGHT_STATES; to++)
			OK(flight_may_enter(from, to) == is_way(from, to), "%s -> %s",
			   flight_state_text(from), flight_state_text(to));
	test_lists();
	return tap_end();
}
