#include "flights/scheduler.h"

#include "base/log.h"
#include "base/mem.h"
#include "flights/disk_space.h"
#include "flights/flight_env.h"
#include "flights/upstream.h"
#include "twilio/accounts.h"

#include <stdlib.h>

#define NUDGE_MS          5000 /* a play brings a try forward at most so often */
#define DISK_FULL_WAIT_MS 3000 /* a full disk is looked at again */
#define HALVE_MS          1000 /* one storm of 429 halves the limit once */

struct scheduler {
	const struct flight_env *env;
	struct flight_owner owner; /* with the lists of all flights */
	struct map flights;        /* those that are not over */
	struct list kept;          /* not flying, with a file begun and open: the longest first */
	unsigned kept_count;
	struct disk_space room;
	double limit;
	int64_t halved_at_ms;
	int64_t *refused_until_ms; /* by account: monotonic */
	struct timer
		go_on; /* fills the slots once this turn is over: never from inside a callback */
};

static struct scheduler *scheduler_of(const struct flight *flight)
{
	return container_of(flight->owner, struct scheduler, owner);
}

/* ---- slots ---- */

static bool has_slot(const struct scheduler *scheduler, enum flight_rank rank)
{
	const struct flight_lists *lists = &scheduler->owner.lists;
	unsigned limit = (unsigned)scheduler->limit;
	unsigned extra = rank == FLIGHT_FOR_PLAYERS ? scheduler->env->options.player_slots : 0;

	if (rank == FLIGHT_BACKFILL && lists->slots[FLIGHT_BACKFILL] >= (limit + 1) / 2)
		return false;
	if (rank != FLIGHT_FOR_PLAYERS &&
	    lists->count[FLIGHT_SEALING] >= scheduler->env->options.concurrency)
		return false; /* our disk is slower than Twilio */
	return flight_lists_flying(lists) < limit + extra;
}

/* -1 when the account's credentials were not refused lately, else how long to leave it alone. */
static int64_t refused_for_ms(const struct scheduler *scheduler, const struct flight *flight)
{
	const struct account *account =
		accounts_find(scheduler->env->accounts, str_of(flight->account_sid));
	int64_t left_ms;

	if (!account)
		return -1;
	left_ms = scheduler->refused_until_ms[account - scheduler->env->accounts->at] -
		  loop_now_ms(scheduler->env->loop);
	return left_ms > 0 ? left_ms : -1;
}

/* ---- files begun ---- */

static void let_go_of_file(struct scheduler *scheduler, struct flight *flight)
{
	if (list_is_empty(&flight->kept))
		return;
	list_remove(&flight->kept);
	scheduler->kept_count--;
}

/* Whose file is given up first: that of the longest wait, but rather one that nobody hears. */
static struct flight *least_needed(const struct scheduler *scheduler)
{
	LIST_EACH (item, &scheduler->kept) {
		struct flight *flight = container_of(item, struct flight, kept);

		if (flight->mirror_count == 0)
			return flight;
	}
	return container_of(list_first(&scheduler->kept), struct flight, kept);
}

/*
 * A file begun is kept open until the next try goes on with it.  In an outage thousands
 * may wait so for hours: only so many keep theirs, or descriptors would be used up.
 */
static void keep_file(struct scheduler *scheduler, struct flight *flight)
{
	if (!flight->arrival.file)
		return;
	list_append(&scheduler->kept, &flight->kept);
	if (++scheduler->kept_count <= scheduler->env->options.kept_files_max)
		return;
	flight = least_needed(scheduler);
	let_go_of_file(scheduler, flight);
	flight_drop_file(flight);
}

/* ---- taking off ---- */

static void wait_for(struct scheduler *scheduler, struct flight *flight, int64_t wait_ms);

static void take_off(struct scheduler *scheduler, struct flight *flight)
{
	int64_t refused_ms = refused_for_ms(scheduler, flight);

	if (refused_ms > 0) {
		flight_hold_back(flight, "upstream_refused", "Twilio refuses our credentials.");
		wait_for(scheduler, flight, refused_ms);
		return;
	}
	if (disk_space_is_short(&scheduler->room)) {
		flight_hold_back(flight, "internal",
				 "Our disk is full; fetching goes on when there is room.");
		wait_for(scheduler, flight, DISK_FULL_WAIT_MS);
		return;
	}
	let_go_of_file(scheduler, flight);
	flight_begin(flight);
}

static void fill_slots(struct timer *timer)
{
	struct scheduler *scheduler = container_of(timer, struct scheduler, go_on);

	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++) {
		struct list *first;

		while ((first = list_first(&scheduler->owner.lists.lines[rank])) != NULL &&
		       has_slot(scheduler, rank))
			take_off(scheduler, container_of(first, struct flight, place));
	}
}

static void go_on_soon(struct scheduler *scheduler)
{
	if (!timer_is_on(&scheduler->go_on))
		timer_start(scheduler->env->loop, &scheduler->go_on, 0, fill_slots);
}

/* ---- waiting ---- */

static void wait_is_over(struct timer *timer)
{
	struct flight *flight = container_of(timer, struct flight, timer);

	flight_queue(flight);
	go_on_soon(scheduler_of(flight));
}

static void wait_for(struct scheduler *scheduler, struct flight *flight, int64_t wait_ms)
{
	timer_start(scheduler->env->loop, &flight->timer, wait_ms, wait_is_over);
}

/* Somebody waits: the next try no later than `wait_ms` from now. */
static void bring_forward(struct scheduler *scheduler, struct flight *flight, int64_t wait_ms)
{
	int64_t now_ms = loop_now_ms(scheduler->env->loop);

	if (!timer_is_on(&flight->timer) || flight->timer.at_ms <= now_ms + wait_ms)
		return;
	timer_start(scheduler->env->loop, &flight->timer, wait_ms, wait_is_over);
}

static void raise_rank(struct scheduler *scheduler, struct flight *flight)
{
	if (flight->rank == FLIGHT_FOR_PLAYERS)
		return;
	flight_set_rank(flight, FLIGHT_FOR_PLAYERS);
	go_on_soon(scheduler);
}

static void nudge(struct scheduler *scheduler, struct flight *flight)
{
	int64_t now_ms = loop_now_ms(scheduler->env->loop);
	int64_t earliest_ms = flight->last_try_at_ms ? flight->last_try_at_ms + NUDGE_MS : now_ms;

	raise_rank(scheduler, flight);
	if (flight->is_pointless)
		return;
	if (earliest_ms < flight->not_before_ms)
		earliest_ms = flight->not_before_ms;
	bring_forward(scheduler, flight, earliest_ms > now_ms ? earliest_ms - now_ms : 0);
}

/* ---- the end of a turn ---- */

static void limit_decrease(struct scheduler *scheduler)
{
	int64_t now_ms = loop_now_ms(scheduler->env->loop);

	if (scheduler->halved_at_ms != 0 && now_ms - scheduler->halved_at_ms < HALVE_MS)
		return;
	scheduler->halved_at_ms = now_ms;
	scheduler->limit = scheduler->limit / 2 < 1 ? 1 : scheduler->limit / 2;
	log_warn(NULL, "Twilio limits us: at most %u downloads at once for now",
		 (unsigned)scheduler->limit);
}

static void limit_increase(struct scheduler *scheduler)
{
	double most = scheduler->env->options.concurrency;

	scheduler->limit += 1 / scheduler->limit;
	if (scheduler->limit > most)
		scheduler->limit = most;
}

static void account_refused(struct scheduler *scheduler, const struct flight *flight)
{
	const struct account *account =
		accounts_find(scheduler->env->accounts, str_of(flight->account_sid));

	if (!account)
		return;
	upstream_refuses(scheduler->env->upstream, flight->account_sid, true);
	log_error(
		NULL,
		"Twilio refuses the credentials of account %s: check twilio.auth_token or twilio.api_key; "
		"trying again each minute",
		account->account_sid);
	scheduler->refused_until_ms[account - scheduler->env->accounts->at] =
		loop_now_ms(scheduler->env->loop) + VERDICT_ACCOUNT_WAIT_MS;
}

static void release_flight(struct reap *reap)
{
	flight_free(container_of(reap, struct flight, reap));
}

static void end_if_done(struct scheduler *scheduler, struct flight *flight)
{
	if (!flight_is_done(flight) || flight->is_reaped)
		return;
	flight->is_reaped = true;
	flight_leave_list(flight);
	loop_reap(scheduler->env->loop, &flight->reap, release_flight);
}

static void flight_landed(struct flight *flight)
{
	go_on_soon(scheduler_of(flight));
}

static void flight_turned(struct flight *flight, const struct flight_result *result)
{
	struct scheduler *scheduler = scheduler_of(flight);

	if (result->meaning == VERDICT_LIMITED)
		limit_decrease(scheduler);
	if (result->meaning == VERDICT_KEPT || result->meaning == VERDICT_KEPT_OFF)
		upstream_refuses(scheduler->env->upstream, flight->account_sid, false);
	upstream_told(scheduler->env->upstream, result->meaning, flight->reason_text,
		      loop_wall_ms(scheduler->env->loop));
	if (result->meaning == VERDICT_KEPT || result->meaning == VERDICT_KEPT_OFF)
		limit_increase(scheduler);
	if (result->meaning == VERDICT_REFUSED)
		account_refused(scheduler, flight);
	if (result->is_over) {
		/* Not to be found any more: what is wanted of the recording from now on is a new flight's. */
		map_remove(&scheduler->flights, &flight->node);
		end_if_done(scheduler, flight);
	} else {
		/* What Twilio asked us to wait for is waited for, whoever listens. */
		flight->not_before_ms =
			result->meaning == VERDICT_LIMITED
				? loop_now_ms(scheduler->env->loop) + result->wait_ms
				: 0;
		wait_for(scheduler, flight, result->wait_ms);
		keep_file(scheduler, flight);
		if (flight->mirror_count > 0 && result->meaning != VERDICT_REFUSED)
			nudge(scheduler, flight);
	}
	go_on_soon(scheduler);
}

/* ---- coming in ---- */

static struct flight *find(const struct scheduler *scheduler, const char *recording_sid)
{
	struct map_node *node = map_find(&scheduler->flights, str_of(recording_sid));

	return node ? container_of(node, struct flight, node) : NULL;
}

static struct flight *add(struct scheduler *scheduler, const char *recording_sid,
			  const char *call_sid, const char *account_sid, enum flight_rank rank,
			  int64_t wait_ms)
{
	struct flight *flight = flight_new(scheduler->env, recording_sid, call_sid, account_sid,
					   &scheduler->owner, rank,
					   wait_ms > 0 ? FLIGHT_WAITING : FLIGHT_QUEUED);

	map_add(&scheduler->flights, &flight->node, str_of(flight->recording_sid));
	if (wait_ms > 0)
		wait_for(scheduler, flight, wait_ms);
	else
		go_on_soon(scheduler);
	return flight;
}

void scheduler_add(struct scheduler *scheduler, const char *recording_sid, const char *call_sid,
		   const char *account_sid, enum flight_rank rank, int64_t wait_ms)
{
	if (!find(scheduler, recording_sid))
		add(scheduler, recording_sid, call_sid, account_sid, rank, wait_ms);
}

void scheduler_nudge(struct scheduler *scheduler, const char *recording_sid)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (flight)
		nudge(scheduler, flight);
}

void scheduler_seek(struct scheduler *scheduler, const char *recording_sid, int64_t generation,
		    uint64_t byte)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (flight && flight->generation == generation)
		seeks_want(&flight->seeks, byte);
}

void scheduler_retry(struct scheduler *scheduler, const char *recording_sid, const char *call_sid,
		     const char *account_sid)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (flight && timer_is_on(&flight->timer))
		bring_forward(scheduler, flight, 0);
	else if (!flight)
		add(scheduler, recording_sid, call_sid, account_sid, FLIGHT_FOR_PLAYERS, 0);
}

static struct flight *join(struct scheduler *scheduler, const struct flight_update *update)
{
	struct flight *flight = find(scheduler, update->recording_sid);

	if (!flight)
		flight = add(scheduler, update->recording_sid, update->call_sid,
			     update->account_sid, FLIGHT_FOR_PLAYERS, 0);
	flight->mirror_count++;
	nudge(scheduler, flight);
	return flight;
}

void scheduler_take_update(struct scheduler *scheduler, struct flight_update *update)
{
	struct flight *flight = update->flight ? update->flight : join(scheduler, update);

	update->flight = flight;
	flight_take_update(flight, update);
	end_if_done(scheduler, flight);
}

void scheduler_counts(const struct scheduler *scheduler, struct scheduler_counts *out)
{
	*out = (struct scheduler_counts){
		.queued = scheduler->owner.lists.count[FLIGHT_QUEUED],
		.flying = flight_lists_flying(&scheduler->owner.lists),
		.waiting = scheduler->owner.lists.count[FLIGHT_WAITING],
		.limit = (unsigned)scheduler->limit,
	};
}

/* ---- life cycle ---- */

struct scheduler *scheduler_new(const struct flight_env *env)
{
	struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));

	scheduler->env = env;
	disk_space_init(&scheduler->room, env);
	(void)disk_space_is_short(&scheduler->room); /* says so now, not with the first recording */
	scheduler->limit = env->options.concurrency;
	scheduler->refused_until_ms = xcalloc(env->accounts->count, sizeof(int64_t));
	map_init(&scheduler->flights);
	list_init(&scheduler->kept);
	scheduler->owner.landed = flight_landed;
	scheduler->owner.turned = flight_turned;
	flight_lists_init(&scheduler->owner.lists);
	return scheduler;
}

static void free_all(struct list *flights)
{
	LIST_EACH (item, flights)
		flight_free(container_of(item, struct flight, place));
}

void scheduler_free(struct scheduler *scheduler)
{
	if (!scheduler)
		return;
	for (enum flight_state state = 0; state < FLIGHT_STATES; state++)
		free_all(&scheduler->owner.lists.in[state]);
	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++)
		free_all(&scheduler->owner.lists.lines[rank]);
	map_release(&scheduler->flights);
	timer_stop(&scheduler->go_on);
	free(scheduler->refused_until_ms);
	free(scheduler);
}
