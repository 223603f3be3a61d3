#include "rest/reconcile.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "chores/reconciliations.h"
#include "event/loop.h"
#include "ledger/ledger.h"
#include "rest/list_walk.h"
#include "rest/rest_env.h"
#include "twilio/accounts.h"

#include <stdlib.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

#define INTERVAL_MOST_MS (INT64_MAX / 4) /* "forever", once there were others */

#define OVERLAP_MS HOUR_MS        /* a recording may be listed so long after it was created */
#define DEEP_MS    (48 * HOUR_MS) /* the night's pass: more than the day since the last one */
#define NIGHT_MS   (2 * HOUR_MS)  /* it is the first after this time of day, UTC */
/* After a pass that failed; doubled with each, up to the interval. */
#define RETRY_FIRST_MS 10000
#define RETRY_MOST     10 /* doublings: more than any interval asks for */

/* When an account's next pass is due. */
struct reconcile_turn {
	int64_t due_ms; /* monotonic */
	unsigned failures;
};

struct reconcile {
	const struct rest_env *env;
	struct reconcile_options options;
	struct timer timer;
	struct reconcile_turn *turns;      /* one for each account, in the order of env->accounts */
	size_t account;                    /* whose pass it is */
	int64_t started_at_ms, started_ms; /* of that pass: wall clock, monotonic */
	struct reconcile_plan plan;
	struct reconciliation last; /* as the ledger has it; then as it is to be */
	struct list_walk walk;
	struct ledger_job job;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct reconcile_plan reconcile_plan(const struct reconciliation *last, int64_t reach_ms,
				     int64_t now_ms)
{
	int64_t night_ms = now_ms - (now_ms - NIGHT_MS) % DAY_MS;

	/* An edge in the future is a clock's fault, and what was read by that clock is not known. */
	if (last->completed_at_ms == 0 || last->edge_ms > now_ms || last->deep_at_ms > now_ms)
		return (struct reconcile_plan){ reach_ms > now_ms ? 0 : now_ms - reach_ms, true };
	if (last->deep_at_ms >= night_ms)
		return (struct reconcile_plan){ least(last->edge_ms, now_ms - OVERLAP_MS), false };
	return (struct reconcile_plan){ least(last->edge_ms, now_ms - DEEP_MS), true };
}

/* Some percent less, so that many servers do not ask at once. */
static int64_t with_jitter(int64_t wait_ms, unsigned percent)
{
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return wait_ms - wait_ms / 100 * (int64_t)(random % (percent + 1));
}

static void look(struct timer *timer);

/* Waits for the account whose turn is next. */
static void wait_for_turn(struct reconcile *reconcile)
{
	int64_t due_ms = INT64_MAX, now_ms = loop_now_ms(reconcile->env->loop);

	for (size_t i = 0; i < reconcile->env->accounts->count; i++) {
		if (reconcile->turns[i].due_ms >= due_ms)
			continue;
		due_ms = reconcile->turns[i].due_ms;
		reconcile->account = i;
	}
	timer_start(reconcile->env->loop, &reconcile->timer, due_ms > now_ms ? due_ms - now_ms : 0,
		    look);
}

static const char *account_sid(const struct reconcile *reconcile)
{
	return reconcile->env->accounts->at[reconcile->account].account_sid;
}

/* ---- the end of a pass ---- */

static void turn_over(struct reconcile *reconcile, bool is_complete)
{
	struct reconcile_turn *turn = &reconcile->turns[reconcile->account];
	int64_t interval_ms = reconcile->options.interval_ms;
	int64_t retry_ms = (int64_t)RETRY_FIRST_MS
			   << (turn->failures < RETRY_MOST ? turn->failures : RETRY_MOST);

	turn->failures = is_complete ? 0 : turn->failures + 1;
	turn->due_ms = is_complete ? reconcile->started_ms + with_jitter(interval_ms, 10)
				   : loop_now_ms(reconcile->env->loop) +
					     with_jitter(least(retry_ms, interval_ms), 50);
	wait_for_turn(reconcile);
}

static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct reconcile *reconcile = container_of(job, struct reconcile, job);

	return reconciliations_failed(catalog, str_of(account_sid(reconcile)),
				      reconcile->started_at_ms, str_of(reconcile->walk.failure),
				      err);
}

static void failed_written(struct ledger_job *job)
{
	struct reconcile *reconcile = container_of(job, struct reconcile, job);

	if (!job->succeeded)
		log_warn(NULL, "cannot write that reading Twilio's list failed: %s", job->err.text);
	turn_over(reconcile, false);
}

static bool run_completed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct reconciliation *last = &container_of(job, struct reconcile, job)->last, now;

	if (!reconciliations_find(catalog, str_of(last->account_sid), &now, err))
		return false;
	/* An import has read further back, and ended while the list was read. */
	if (now.completed_at_ms != 0 && now.since_ms < last->since_ms)
		last->since_ms = now.since_ms;
	return reconciliations_set(catalog, last, err);
}

static void completed_written(struct ledger_job *job)
{
	struct reconcile *reconcile = container_of(job, struct reconcile, job);

	if (!job->succeeded)
		log_warn(NULL, "cannot write how far Twilio's list was read: %s", job->err.text);
	turn_over(reconcile, job->succeeded);
}

/* What is not over by now is listed by the next pass, too; the night's sees to what stays open for longer. */
static int64_t next_edge(const struct reconcile *reconcile)
{
	int64_t edge_ms = reconcile->started_at_ms - OVERLAP_MS;
	int64_t deep_ms = reconcile->started_at_ms - DEEP_MS;
	int64_t open_ms = reconcile->walk.oldest_open_ms;

	if (open_ms == 0 || open_ms >= edge_ms)
		return edge_ms;
	return open_ms > deep_ms ? open_ms : deep_ms;
}

static void complete(struct reconcile *reconcile)
{
	struct reconciliation *row = &reconcile->last;
	const struct list_walk *walk = &reconcile->walk;

	if (row->completed_at_ms == 0 || reconcile->plan.since_ms < row->since_ms)
		row->since_ms = reconcile->plan.since_ms;
	if (reconcile->plan.is_deep)
		row->deep_at_ms = reconcile->started_at_ms;
	row->edge_ms = next_edge(reconcile);
	row->started_at_ms = reconcile->started_at_ms;
	row->completed_at_ms = clock_wall_ms();
	row->listed = walk->listed;
	row->found = walk->found;
	row->failing_since_ms = 0;
	row->failure[0] = '\0';
	reconcile->job.run = run_completed;
	reconcile->job.done = completed_written;
}

static void tell(const struct reconcile *reconcile)
{
	const struct list_walk *walk = &reconcile->walk;
	bool was_failing = reconcile->turns[reconcile->account].failures > 0;

	if (!walk->is_whole && !was_failing)
		log_warn(
			NULL,
			"account %s: Twilio's list of recordings cannot be read, and is tried again: %s",
			account_sid(reconcile), walk->failure);
	if (walk->malformed > 0)
		log_warn(
			NULL,
			"account %s: %lld rows of Twilio's list are no recordings, and passed over",
			account_sid(reconcile), (long long)walk->malformed);
	if (walk->is_whole && (walk->found > 0 || was_failing))
		log_info(NULL,
			 "account %s: Twilio's list was read, %lld recordings, %lld of them news",
			 account_sid(reconcile), (long long)walk->listed, (long long)walk->found);
}

static void walk_ended(struct list_walk *walk)
{
	struct reconcile *reconcile = container_of(walk, struct reconcile, walk);

	tell(reconcile);
	reconcile->job = (struct ledger_job){ .run = run_failed,
					      .done = failed_written,
					      .reply = reconcile->env->mailbox };
	if (walk->is_whole)
		complete(reconcile);
	ledger_write(reconcile->env->ledger, &reconcile->job);
}

/* ---- its beginning ---- */

static bool run_find(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct reconcile *reconcile = container_of(job, struct reconcile, job);

	return reconciliations_find(catalog, str_of(account_sid(reconcile)), &reconcile->last, err);
}

static void found(struct ledger_job *job)
{
	struct reconcile *reconcile = container_of(job, struct reconcile, job);
	struct list_walk_plan walk_plan = { .since_ms = 0 };

	if (!job->succeeded) {
		log_warn(NULL, "cannot read how far Twilio's list was read: %s", job->err.text);
		turn_over(reconcile, false);
		return;
	}
	reconcile->started_at_ms = clock_wall_ms();
	reconcile->plan = reconcile_plan(&reconcile->last, reconcile->options.reach_ms,
					 reconcile->started_at_ms);
	walk_plan.since_ms = reconcile->plan.since_ms;
	list_walk_start(&reconcile->walk, reconcile->env,
			&reconcile->env->accounts->at[reconcile->account], &walk_plan, walk_ended);
}

static void look(struct timer *timer)
{
	struct reconcile *reconcile = container_of(timer, struct reconcile, timer);

	if (!ledger_has_duties(reconcile->env->ledger)) {
		timer_start(reconcile->env->loop, timer, LEDGER_DUTY_LOOK_MS, look);
		return;
	}
	reconcile->started_ms = loop_now_ms(reconcile->env->loop);
	reconcile->job = (struct ledger_job){ .run = run_find,
					      .done = found,
					      .reply = reconcile->env->mailbox };
	ledger_read(reconcile->env->ledger, &reconcile->job);
}

bool reconcile_is_wanted(int64_t interval_ms)
{
	return interval_ms != 0 && interval_ms != INT64_MAX;
}

struct reconcile *reconcile_start(const struct rest_env *env,
				  const struct reconcile_options *options)
{
	struct reconcile *reconcile;

	if (!reconcile_is_wanted(options->interval_ms) || env->accounts->count == 0)
		return NULL;
	reconcile = xcalloc(1, sizeof(*reconcile));
	reconcile->env = env;
	reconcile->options = *options;
	reconcile->turns = xcalloc(env->accounts->count, sizeof(*reconcile->turns));
	wait_for_turn(reconcile);
	return reconcile;
}

/* The timer is on but while a pass is under way, whose end plans the next. */
void reconcile_change(struct reconcile *reconcile, const struct reconcile_options *options)
{
	int64_t interval_ms = least(options->interval_ms, INTERVAL_MOST_MS);
	int64_t later_ms = interval_ms - reconcile->options.interval_ms;

	reconcile->options = *options;
	reconcile->options.interval_ms = interval_ms;
	for (size_t i = 0; i < reconcile->env->accounts->count; i++)
		if (reconcile->turns[i].due_ms > loop_now_ms(reconcile->env->loop))
			reconcile->turns[i].due_ms += later_ms;
	if (timer_is_on(&reconcile->timer))
		wait_for_turn(reconcile);
}

void reconcile_free(struct reconcile *reconcile)
{
	if (!reconcile)
		return;
	timer_stop(&reconcile->timer);
	list_walk_release(&reconcile->walk);
	free(reconcile->turns);
	free(reconcile);
}
