#include "dispatch/scheduler.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/attempts.h"
#include "cluster/leases.h"
#include "dispatch/disk_space.h"
#include "dispatch/kept_files.h"
#include "dispatch/limits.h"
#include "dispatch/queue.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "rest/upstream.h"

#include <stdlib.h>
#include <string.h>

#define DISK_FULL_WAIT_MS 3000 /* a full disk is looked at again */
#define ELSEWHERE_MS \
	500 /* between two looks at what another process fetches, which cannot be asked */
#define NOBODYS_MS 2000 /* between two at what nobody did, and has no slot here: they may be many */

struct scheduler {
	const struct flight_env *env;
	struct flight_owner owner; /* with the lists of all flights */
	struct map flights;        /* those that are not over */
	struct kept_files kept;
	struct disk_space disk;
	struct limits *limits;
	struct queue queue;
	/* What a claim is made with, while the ledger reads it. */
	struct queue_share *shares;
	char (*skip)[SID_SIZE];
	struct timer
		go_on; /* fills the slots once this turn is over: never from inside a callback */
	struct timer looks; /* at what had no slot; on while there is such */
};

static struct scheduler *scheduler_of(const struct flight *flight)
{
	return container_of(flight->owner, struct scheduler, owner);
}

static int64_t now(const struct scheduler *scheduler)
{
	return loop_now_ms(scheduler->env->loop);
}

/* ---- slots ---- */

static unsigned left(unsigned most, unsigned taken)
{
	return most > taken ? most - taken : 0;
}

/* How many flights of that rank may begin now, whatever their accounts. */
static unsigned room(const struct scheduler *scheduler, enum flight_rank rank)
{
	const struct flight_lists *lists = &scheduler->owner.lists;
	unsigned most = scheduler->env->options.concurrency, flying = flight_lists_flying(lists);
	unsigned of_backfill = left((most + 1) / 2, lists->slots[FLIGHT_BACKFILL]);

	if (rank == FLIGHT_FOR_PLAYERS)
		return left(most + scheduler->env->options.player_slots, flying);
	if (lists->count[FLIGHT_SEALING] >= most)
		return 0; /* our disk is slower than Twilio */
	if (rank == FLIGHT_BACKFILL && of_backfill < left(most, flying))
		return of_backfill;
	return left(most, flying);
}

/* ---- in memory, and not ---- */

static void release_flight(struct reap *reap)
{
	flight_free(container_of(reap, struct flight, reap));
}

/* At the end of this turn: it may be in a callback of its own. */
static void reap(struct scheduler *scheduler, struct flight *flight)
{
	flight->is_reaped = true;
	timer_stop(&flight->timer);
	flight_leave_list(flight);
	loop_reap(scheduler->env->loop, &flight->reap, release_flight);
}

static void end_if_done(struct scheduler *scheduler, struct flight *flight)
{
	if (flight_is_done(flight) && !flight->is_reaped)
		reap(scheduler, flight);
}

/* Is there more of it than its row? */
static bool is_more_than_a_row(const struct flight *flight)
{
	return flight->mirror_count > 0 || flight->arrival.file != NULL;
}

/* A lease on its way back to the ledger, and the attempt that was begun with it, if it was not flown; or that alone. */
struct lease_return {
	struct ledger_job job;
	char recording_sid[SID_SIZE];
	bool is_kept;       /* the lease is */
	int64_t attempt_id; /* 0: none */
};

/* Who took it in our place has ended it. */
static bool end_unflown(const struct lease_return *lease, struct catalog *catalog, struct err *err)
{
	const struct attempt_end end = { .id = lease->attempt_id,
					 .ended_at_ms = clock_wall_ms(),
					 .outcome = "interrupted",
					 .detail = "no request was sent" };

	return lease->attempt_id == 0 || attempts_end(catalog, &end, err) ||
	       err->kind == ERR_CONFLICT;
}

static bool run_return(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct lease_return *lease = container_of(job, struct lease_return, job);

	if (lease->attempt_id != 0)
		ledger_job_let_go(job, catalog);
	if (lease->is_kept || lease_end(catalog, str_of(lease->recording_sid), err))
		return end_unflown(lease, catalog, err);
	return err->kind == ERR_CONFLICT;
}

/* Where it was not taken, whoever looks after leases (ledger/membership.h) gives it back later. */
static void returned(struct ledger_job *job)
{
	free(container_of(job, struct lease_return, job));
}

static void give_back(const struct scheduler *scheduler, const char *recording_sid,
		      const struct lease_begun *begun, bool is_kept)
{
	struct ledger *ledger = scheduler->env->ledger;
	struct lease_return *lease = xcalloc(1, sizeof(*lease));

	lease->is_kept = is_kept;
	lease->attempt_id = begun ? begun->attempt_id : 0;
	lease->job = (struct ledger_job){ .run = run_return,
					  .done = returned,
					  .reply = scheduler->env->mailbox,
					  .recording_sid = lease->recording_sid };
	memcpy(lease->recording_sid, recording_sid, SID_SIZE);
	ledger_write(ledger, &lease->job);
}

/* What begins with the recording from now on takes it anew, behind this in the ledger's queue. */
static void return_lease(const struct scheduler *scheduler, const struct flight *flight)
{
	if (flight->holds_lease && ledger_is_shared(scheduler->env->ledger))
		give_back(scheduler, flight->recording_sid, flight->begun, false);
}

/* From now on only the ledger knows of it. */
static void forget(struct scheduler *scheduler, struct flight *flight)
{
	map_remove(&scheduler->flights, &flight->node);
	return_lease(scheduler, flight);
	reap(scheduler, flight);
}

static void keep_file(struct scheduler *scheduler, struct flight *flight)
{
	struct flight *dropped;

	if (!flight->arrival.file)
		return;
	dropped = kept_files_add(&scheduler->kept, flight);
	if (!dropped)
		return;
	flight_drop_file(dropped);
	if (!is_more_than_a_row(dropped) && dropped->is_as_in_ledger)
		forget(scheduler, dropped);
}

/* ---- taking off ---- */

static void wait_for(struct scheduler *scheduler, struct flight *flight, int64_t wait_ms);

/* Nothing of it is under way while it does not fly; the lease stays, for what it has beside the row. */
static void return_begun(const struct scheduler *scheduler, struct flight *flight)
{
	if (!flight->begun)
		return;
	give_back(scheduler, flight->recording_sid, flight->begun, true);
	lease_begun_free(TAKE(flight->begun));
}

static void hold_back(struct scheduler *scheduler, struct flight *flight, const char *reason_code,
		      const char *reason_text, int64_t wait_ms)
{
	if (!is_more_than_a_row(flight)) {
		forget(scheduler, flight);
		return;
	}
	return_begun(scheduler, flight);
	flight_hold_back(flight, reason_code, reason_text);
	flight->is_as_in_ledger = false;
	wait_for(scheduler, flight, wait_ms);
}

/* False: it cannot, and stays where it is. */
static bool take_off(struct scheduler *scheduler, struct flight *flight)
{
	int64_t paused_ms =
		limits_paused_ms(scheduler->limits, flight->account_sid, now(scheduler));

	if (paused_ms > 0) {
		hold_back(scheduler, flight, "refused", "Twilio refuses our credentials.",
			  paused_ms);
		return true;
	}
	if (disk_space_is_short(&scheduler->disk)) {
		hold_back(scheduler, flight, "disk_full",
			  "Our disk is full; fetching goes on when there is room.",
			  DISK_FULL_WAIT_MS);
		return true;
	}
	if (limits_room(scheduler->limits, flight->account_sid, flight->rank, now(scheduler)) == 0)
		return false;
	limits_begin(scheduler->limits, flight->account_sid, now(scheduler));
	kept_files_remove(&scheduler->kept, flight);
	flight_begin(flight);
	return true;
}

static void go_on_soon(struct scheduler *scheduler);

static void look_again(struct timer *timer)
{
	struct scheduler *scheduler = container_of(timer, struct scheduler, looks);

	LIST_EACH (item, &scheduler->owner.lists.lines[FLIGHT_FOR_PLAYERS])
		container_of(item, struct flight, place)->is_nobodys = false;
	go_on_soon(scheduler);
}

/* It has no slot.  What nobody fetched when it was looked at another process may by now. */
static void leave_in_line(struct scheduler *scheduler, struct flight *flight)
{
	if (!is_more_than_a_row(flight)) {
		forget(scheduler, flight);
		return;
	}
	return_begun(scheduler, flight); /* others may fly before it for as long as it takes */
	if (flight->is_nobodys && !timer_is_on(&scheduler->looks))
		timer_start(scheduler->env->loop, &scheduler->looks, NOBODYS_MS, look_again);
}

/* Each has a file, which nobody counts as long as it comes: beyond so many, who waits hears what is stored. */
static bool may_follow_now(struct scheduler *scheduler, const struct flight *flight)
{
	return flight_may_follow(flight) &&
	       scheduler->owner.lists.count[FLIGHT_FOLLOWING] <
		       scheduler->env->options.followed_max &&
	       !disk_space_is_short(&scheduler->disk);
}

static void go_on(struct timer *timer)
{
	struct scheduler *scheduler = container_of(timer, struct scheduler, go_on);

	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++) {
		LIST_EACH (item, &scheduler->owner.lists.lines[rank]) {
			struct flight *flight = container_of(item, struct flight, place);

			if (may_follow_now(scheduler, flight)) {
				kept_files_remove(&scheduler->kept, flight);
				flight_follow(flight); /* which takes no slot */
				continue;
			}
			if (room(scheduler, rank) > 0) {
				if (take_off(scheduler, flight))
					continue;
			} else if (rank == FLIGHT_FOR_PLAYERS && !scheduler->env->peers) {
				break;
			}
			leave_in_line(scheduler, flight);
		}
	}
	queue_wake(&scheduler->queue);
}

static void go_on_soon(struct scheduler *scheduler)
{
	if (!timer_is_on(&scheduler->go_on))
		timer_start(scheduler->env->loop, &scheduler->go_on, 0, go_on);
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
	if (timer_is_on(&flight->timer) && flight->timer.at_ms > now(scheduler) + wait_ms)
		wait_for(scheduler, flight, wait_ms);
}

static void nudge(struct scheduler *scheduler, struct flight *flight)
{
	int64_t now_ms = now(scheduler);
	int64_t earliest_ms = flight->last_try_at_ms ? flight->last_try_at_ms + FLIGHT_NUDGE_MS
						     : now_ms;

	if (flight->rank != FLIGHT_FOR_PLAYERS) {
		flight_set_rank(flight, FLIGHT_FOR_PLAYERS);
		go_on_soon(scheduler);
	}
	if (flight->is_pointless)
		return;
	if (earliest_ms < flight->not_before_ms)
		earliest_ms = flight->not_before_ms;
	bring_forward(scheduler, flight, earliest_ms > now_ms ? earliest_ms - now_ms : 0);
}

/* ---- the end of a turn ---- */

static void flight_landed(struct flight *flight)
{
	go_on_soon(scheduler_of(flight));
}

static void turned_to_wait(struct scheduler *scheduler, struct flight *flight,
			   const struct flight_result *result)
{
	flight->is_as_in_ledger = result->is_in_ledger;
	if (!is_more_than_a_row(flight) && result->is_in_ledger) {
		forget(scheduler, flight);
		return;
	}
	/* What Twilio asked us to wait for is waited for, whoever listens. */
	flight->not_before_ms = result->at_least_ms > 0 ? now(scheduler) + result->at_least_ms : 0;
	wait_for(scheduler, flight, result->wait_ms);
	keep_file(scheduler, flight);
	if (flight->mirror_count > 0 && result->meaning != VERDICT_REFUSED)
		nudge(scheduler, flight);
}

static void flight_turned(struct flight *flight, const struct flight_result *result)
{
	struct scheduler *scheduler = scheduler_of(flight);

	limits_told(scheduler->limits, flight, result, now(scheduler));
	if (result->was_sent)
		upstream_told(scheduler->env->upstream, verdict_sign(result->meaning),
			      flight->reason_text, loop_wall_ms(scheduler->env->loop));
	upstream_refuses(scheduler->env->upstream, flight->account_sid,
			 limits_is_paused(scheduler->limits, flight->account_sid));
	if (result->is_over) {
		/* Not to be found any more: what is wanted of the recording from now on is a new flight's. */
		map_remove(&scheduler->flights, &flight->node);
		/* Its lease may have gone with a process that was buried, and be nobody's now. */
		if (flight->state == FLIGHT_GONE)
			scheduler_wake(scheduler);
		end_if_done(scheduler, flight);
	} else {
		turned_to_wait(scheduler, flight, result);
	}
	go_on_soon(scheduler);
}

static void flight_looked(struct flight *flight, enum follow_result result)
{
	struct scheduler *scheduler = scheduler_of(flight);

	/* Nobody waits for it here any more: neither is it followed, nor fetched for that. */
	if (result != FOLLOW_OVER && flight->mirror_count == 0) {
		forget(scheduler, flight);
		go_on_soon(scheduler);
		return;
	}
	switch (result) {
	case FOLLOW_NOBODY:
		flight->is_nobodys = true;
		flight_queue(flight);
		keep_file(scheduler, flight);
		break;
	case FOLLOW_NOWHERE:
		wait_for(scheduler, flight, ELSEWHERE_MS);
		keep_file(scheduler, flight);
		break;
	case FOLLOW_OVER:
		map_remove(&scheduler->flights, &flight->node);
		end_if_done(scheduler, flight);
		break;
	}
	go_on_soon(scheduler);
}

/* ---- claims ---- */

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

	flight->account_slots = limits_slots(scheduler->limits, flight->account_sid);
	map_add(&scheduler->flights, &flight->node, str_of(flight->recording_sid));
	if (wait_ms > 0)
		wait_for(scheduler, flight, wait_ms);
	else
		go_on_soon(scheduler);
	return flight;
}

static bool prepare_claim(struct queue *queue, struct queue_claim *claim)
{
	struct scheduler *scheduler = container_of(queue, struct scheduler, queue);
	const unsigned *in_line = scheduler->owner.lists.in_line;

	claim->most =
		left(room(scheduler, FLIGHT_NEW), in_line[FLIGHT_NEW] + in_line[FLIGHT_BACKFILL]);
	claim->most_backfill = left(room(scheduler, FLIGHT_BACKFILL), in_line[FLIGHT_BACKFILL]);
	if (claim->most > QUEUE_CLAIM_MAX)
		claim->most = QUEUE_CLAIM_MAX;
	if (claim->most == 0)
		return false;
	if (disk_space_is_short(&scheduler->disk)) {
		queue_wake_in(queue, DISK_FULL_WAIT_MS);
		return false;
	}
	if (!scheduler->shares)
		scheduler->shares =
			xcalloc(limits_count(scheduler->limits), sizeof(*scheduler->shares));
	limits_shares(scheduler->limits, now(scheduler), scheduler->shares);
	claim->shares = scheduler->shares;
	claim->share_count = limits_count(scheduler->limits);
	free(scheduler->skip);
	claim->skip_count = flight_lists_at_hand(&scheduler->owner.lists, &scheduler->skip);
	claim->skip = (const char(*)[SID_SIZE])scheduler->skip;
	return true;
}

/* Its turn may go on from the attempt that the claim began; not where it has taken one meanwhile, or has a file. */
static bool may_begin_so(const struct flight *flight)
{
	return !flight->begun && !flight->arrival.file &&
	       (flight->state == FLIGHT_QUEUED || flight->state == FLIGHT_WAITING);
}

static void claimed(struct queue *queue, struct queue_row *row)
{
	struct scheduler *scheduler = container_of(queue, struct scheduler, queue);
	struct flight *flight = find(scheduler, row->recording_sid);
	bool is_new = !flight;

	if (is_new)
		flight = add(scheduler, row->recording_sid, row->call_sid, row->account_sid,
			     row->rank == RECORDING_RANK_NEW ? FLIGHT_NEW : FLIGHT_BACKFILL, 0);
	if (row->begun && may_begin_so(flight))
		flight->begun = TAKE(row->begun);
	else if (row->begun)
		give_back(scheduler, row->recording_sid, row->begun, true);
	if (is_new) {
		flight->holds_lease = true;
	} else if (flight->begun) {
		flight->holds_lease = true;
		bring_forward(scheduler, flight, 0);
	} else if (flight->state == FLIGHT_WAITING && flight->is_as_in_ledger) {
		/* The clock has come there before our timer did. */
		bring_forward(scheduler, flight, 0);
	}
}

static void claimed_all(struct queue *queue)
{
	struct scheduler *scheduler = container_of(queue, struct scheduler, queue);
	int64_t probe_ms = limits_next_ms(scheduler->limits, now(scheduler));

	if (probe_ms > 0)
		queue_wake_in(queue, probe_ms);
}

/* ---- coming in ---- */

void scheduler_wake(struct scheduler *scheduler)
{
	queue_wake(&scheduler->queue);
}

void scheduler_change(struct scheduler *scheduler)
{
	const struct flight_options *options = &scheduler->env->options;

	limits_change(scheduler->limits, options->concurrency, options->player_slots);
	scheduler_wake(scheduler);
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

void scheduler_retry(struct scheduler *scheduler, const char *recording_sid, const char *request_id)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (!flight) {
		queue_wake(&scheduler->queue);
		return;
	}
	/* A claim may have been sooner than this: of a flight that has asked already, the row is not read again. */
	memcpy(flight->request_id, request_id, REQUEST_ID_SIZE);
	bring_forward(scheduler, flight, 0);
}

void scheduler_stored(struct scheduler *scheduler, const char *recording_sid)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (!flight)
		return;
	if (flight->state == FLIGHT_FOLLOWING) {
		flight_look_in(flight, 0);
	} else if (flight->state == FLIGHT_QUEUED) {
		flight->is_nobodys = false;
		go_on_soon(scheduler);
	} else if (flight->was_elsewhere) {
		bring_forward(scheduler, flight, 0);
	}
}

void scheduler_let_go(struct scheduler *scheduler)
{
	LIST_EACH (item, &scheduler->owner.lists.in[FLIGHT_FOLLOWING])
		flight_look_in(container_of(item, struct flight, place), 0);
	queue_wake(&scheduler->queue);
}

bool scheduler_has(const struct scheduler *scheduler, const char *recording_sid)
{
	return find(scheduler, recording_sid) != NULL;
}

void scheduler_abandon(struct scheduler *scheduler, const char *recording_sid)
{
	struct flight *flight = find(scheduler, recording_sid);

	if (!flight)
		return;
	kept_files_remove(&scheduler->kept, flight);
	if (!flight_abandon(flight))
		return;
	map_remove(&scheduler->flights, &flight->node);
	end_if_done(scheduler, flight);
	go_on_soon(scheduler);
}

/* How long a recording is still to wait, as its row said when the player came. */
static int64_t still_waits_ms(const struct scheduler *scheduler,
			      const struct recorded_wait *recorded)
{
	int64_t wait_ms = recorded->next_try_at_ms - clock_wall_ms();

	if (recorded->next_try_at_ms == RECORDING_NEVER || wait_ms < 0 ||
	    wait_ms > queue_longest_ms(scheduler->env))
		return 0;
	return wait_ms;
}

/* A player wants what is only a row: its flight goes on as the last one left off. */
static struct flight *bring_in(struct scheduler *scheduler, const struct flight_update *update)
{
	const struct recorded_wait *recorded = &update->recorded;
	int64_t wait_ms = still_waits_ms(scheduler, recorded);
	int64_t waited_ms = clock_wall_ms() - recorded->waiting_since_ms;
	struct flight *flight = add(scheduler, update->recording_sid, update->call_sid,
				    update->account_sid, FLIGHT_FOR_PLAYERS, wait_ms);

	memcpy(flight->request_id, update->request_id, REQUEST_ID_SIZE);
	if (wait_ms == 0)
		return flight;
	flight->is_as_in_ledger = true;
	if (waited_ms >= 0 && waited_ms < FLIGHT_NUDGE_MS)
		flight->last_try_at_ms = now(scheduler) - waited_ms;
	if (recorded->rule == RECORDING_WAIT_AS_TOLD)
		flight->not_before_ms = now(scheduler) + wait_ms;
	flight_set_reason(flight, recorded->reason_code, recorded->reason_text,
			  recorded->rule == RECORDING_WAIT_POINTLESS);
	return flight;
}

static struct flight *join(struct scheduler *scheduler, const struct flight_update *update)
{
	struct flight *flight = find(scheduler, update->recording_sid);

	if (!flight)
		flight = bring_in(scheduler, update);
	flight->mirror_count++;
	nudge(scheduler, flight);
	return flight;
}

/* Another process asks for what it may believe to be fetched here. */
static bool is_elsewhere(const struct scheduler *scheduler, const struct flight_update *update)
{
	const struct flight *flight = find(scheduler, update->recording_sid);

	return update->is_of_peer && (!flight || !flight->holds_lease);
}

/* What it is and when it is due its row says as well. */
static bool is_only_a_row(const struct flight *flight)
{
	return !is_more_than_a_row(flight) &&
	       (flight->state == FLIGHT_QUEUED ||
		(flight->state == FLIGHT_WAITING && flight->is_as_in_ledger));
}

/*
 * Nobody plays it any more where the update comes from.  What nobody waits for at all is tried when the ledger says
 * so, and goes before nobody.  Another process was told why there is nothing yet, and may ask again in a moment: for it
 * the next try is waited for here.
 */
static void leave(struct scheduler *scheduler, struct flight_update *update)
{
	struct flight *flight = update->flight;
	bool is_of_peer = update->is_of_peer;

	free(update);
	flight->mirror_count--;
	if (flight->mirror_count > 0)
		return;
	if (!is_of_peer && is_only_a_row(flight)) {
		forget(scheduler, flight);
		go_on_soon(scheduler);
		return;
	}
	if (flight->rank == FLIGHT_FOR_PLAYERS)
		flight_set_rank(flight, FLIGHT_NEW);
	end_if_done(scheduler, flight);
}

void scheduler_take_update(struct scheduler *scheduler, struct flight_update *update)
{
	struct flight *flight = update->flight;

	if (update->is_left) {
		leave(scheduler, update);
		return;
	}
	if (!flight && is_elsewhere(scheduler, update)) {
		flight_update_refuse(update);
		return;
	}
	if (!flight)
		flight = join(scheduler, update);
	update->flight = flight;
	flight_take_update(flight, update);
	end_if_done(scheduler, flight);
}

void scheduler_counts(const struct scheduler *scheduler, struct scheduler_counts *out)
{
	const struct flight_lists *lists = &scheduler->owner.lists;

	*out = (struct scheduler_counts){
		.queued = lists->count[FLIGHT_QUEUED],
		.flying = flight_lists_flying(lists),
		.waiting = lists->count[FLIGHT_WAITING],
	};
}

const struct flight_counts *scheduler_flight_counts(const struct scheduler *scheduler)
{
	return &scheduler->owner.counts;
}

/* ---- life cycle ---- */

struct scheduler *scheduler_new(const struct flight_env *env)
{
	struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));

	scheduler->env = env;
	disk_space_init(&scheduler->disk, env);
	(void)disk_space_is_short(&scheduler->disk); /* says so now, not with the first recording */
	scheduler->limits =
		limits_new(env->accounts, env->options.concurrency, env->options.player_slots);
	queue_init(&scheduler->queue, env);
	scheduler->queue.prepare = prepare_claim;
	scheduler->queue.claimed = claimed;
	scheduler->queue.claimed_all = claimed_all;
	map_init(&scheduler->flights);
	kept_files_init(&scheduler->kept, env->options.kept_files_max);
	scheduler->owner.landed = flight_landed;
	scheduler->owner.turned = flight_turned;
	scheduler->owner.looked = flight_looked;
	flight_lists_init(&scheduler->owner.lists);
	return scheduler;
}

void scheduler_stop(struct scheduler *scheduler)
{
	queue_stop(&scheduler->queue);
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
	queue_release(&scheduler->queue);
	timer_stop(&scheduler->go_on);
	timer_stop(&scheduler->looks);
	limits_free(scheduler->limits);
	free(scheduler->shares);
	free(scheduler->skip);
	free(scheduler);
}
