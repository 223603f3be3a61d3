/*
 * The states of a flight and the ways between them: the table of flight.h, asserted.  Each
 * state has a list; a flight is on that of its state, and nowhere else moves one.
 */
#include "flights/flight_private.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = "queued",     [FLIGHT_ASKING] = "asking",
	[FLIGHT_CHECKING] = "checking", [FLIGHT_ARRIVING] = "arriving",
	[FLIGHT_SEALING] = "sealing",   [FLIGHT_FOLLOWING] = "following",
	[FLIGHT_WAITING] = "waiting",   [FLIGHT_STORED] = "stored",
	[FLIGHT_DEAD] = "dead",         [FLIGHT_ABSENT] = "absent",
	[FLIGHT_GONE] = "gone",
};

#define ENDINGS (BIT(FLIGHT_DEAD) | BIT(FLIGHT_ABSENT) | BIT(FLIGHT_GONE))

static const uint32_t may_enter[FLIGHT_STATES] = {
	[FLIGHT_QUEUED] = BIT(FLIGHT_ASKING) | BIT(FLIGHT_FOLLOWING) | BIT(FLIGHT_WAITING) |
			  BIT(FLIGHT_GONE),
	[FLIGHT_ASKING] = BIT(FLIGHT_CHECKING) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_CHECKING] = BIT(FLIGHT_ARRIVING) | BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) |
			    ENDINGS,
	[FLIGHT_ARRIVING] = BIT(FLIGHT_SEALING) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_SEALING] = BIT(FLIGHT_STORED) | BIT(FLIGHT_WAITING) | ENDINGS,
	[FLIGHT_FOLLOWING] = BIT(FLIGHT_QUEUED) | BIT(FLIGHT_WAITING) | BIT(FLIGHT_STORED) |
			     BIT(FLIGHT_GONE),
	[FLIGHT_WAITING] = BIT(FLIGHT_QUEUED) | BIT(FLIGHT_GONE),
};

const char *flight_state_text(enum flight_state state)
{
	return state_names[state];
}

bool flight_may_enter(enum flight_state from, enum flight_state to)
{
	return may_enter[from] & BIT(to);
}

void flight_lists_init(struct flight_lists *lists)
{
	*lists = (struct flight_lists){ 0 };
	for (enum flight_state state = 0; state < FLIGHT_STATES; state++)
		list_init(&lists->in[state]);
	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++)
		list_init(&lists->lines[rank]);
}

unsigned flight_lists_flying(const struct flight_lists *lists)
{
	unsigned flying = 0;

	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++)
		flying += lists->slots[rank];
	return flying;
}

static void add_sids(const struct list *flights, char (*out)[SID_SIZE], size_t *count)
{
	LIST_EACH (item, flights) {
		const struct flight *flight = container_of(item, struct flight, place);

		if (flight->state != FLIGHT_WAITING || !flight->is_as_in_ledger)
			memcpy(out[(*count)++], flight->recording_sid, SID_SIZE);
	}
}

static int compare_sids(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t flight_lists_at_hand(const struct flight_lists *lists, char (**out)[SID_SIZE])
{
	size_t most = 0, count = 0;

	for (enum flight_state state = 0; state <= FLIGHT_WAITING; state++)
		most += lists->count[state];
	*out = xcalloc(most + 1, SID_SIZE);
	for (enum flight_state state = 0; state <= FLIGHT_WAITING; state++)
		add_sids(&lists->in[state], *out, &count);
	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++)
		add_sids(&lists->lines[rank], *out, &count);
	qsort(*out, count, SID_SIZE, compare_sids);
	return count;
}

static bool has_slot(enum flight_state state)
{
	return BIT(state) & (BIT(FLIGHT_ASKING) | BIT(FLIGHT_CHECKING) | BIT(FLIGHT_ARRIVING));
}

static void count(const struct flight *flight, int by)
{
	struct flight_lists *lists = &flight->owner->lists;

	lists->count[flight->state] += (unsigned)by;
	gauge_set(&flight->owner->counts.in[flight->state], lists->count[flight->state]);
	if (flight->state == FLIGHT_QUEUED)
		lists->in_line[flight->rank] += (unsigned)by;
	if (!has_slot(flight->state))
		return;
	lists->slots[flight->slot_rank] += (unsigned)by;
	if (flight->account_slots)
		flight->account_slots[flight->slot_rank] += (unsigned)by;
}

void flight_join_list(struct flight *flight)
{
	struct flight_lists *lists = &flight->owner->lists;

	list_append(flight->state == FLIGHT_QUEUED ? &lists->lines[flight->rank]
						   : &lists->in[flight->state],
		    &flight->place);
	count(flight, 1);
}

void flight_leave_list(struct flight *flight)
{
	if (list_is_empty(&flight->place))
		return;
	list_remove(&flight->place);
	count(flight, -1);
}

void flight_enter(struct flight *flight, enum flight_state state)
{
	struct log_tag tag = { .name = "recording" };

	assert(flight_may_enter(flight->state, state));
	memcpy(tag.id, flight->recording_sid, SID_SIZE);
	log_debug(&tag, "%s -> %s", state_names[flight->state], state_names[state]);
	flight_leave_list(flight);
	if (state == FLIGHT_ASKING)
		flight->slot_rank = flight->rank;
	flight->state = state;
	flight_join_list(flight);
	if (state == FLIGHT_SEALING)
		flight_show(flight);
	else if (state != FLIGHT_CHECKING && state != FLIGHT_ARRIVING && state != FLIGHT_FOLLOWING)
		flight_hide(flight);
}

void flight_set_rank(struct flight *flight, enum flight_rank rank)
{
	if (flight->state != FLIGHT_QUEUED) {
		flight->rank = rank;
		return;
	}
	flight_leave_list(flight);
	flight->rank = rank;
	flight_join_list(flight);
}

bool flight_is_over(const struct flight *flight)
{
	return may_enter[flight->state] == 0;
}
