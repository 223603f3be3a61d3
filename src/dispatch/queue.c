#include "dispatch/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/leases.h"
#include "flights/flight_env.h"
#include "verdict/verdict.h"

#define MEND_ROWS 500 /* in one transaction: the writer is not held up long */

int64_t queue_longest_ms(const struct flight_env *env)
{
	return env->options.retry_most_ms > VERDICT_RETRY_AFTER_MOST_MS
		       ? env->options.retry_most_ms
		       : VERDICT_RETRY_AFTER_MOST_MS;
}

static void timer_fired(struct timer *timer)
{
	queue_wake(container_of(timer, struct queue, timer));
}

void queue_wake_in(struct queue *queue, int64_t wait_ms)
{
	int64_t now_ms = loop_now_ms(queue->env->loop);

	if (wait_ms > QUEUE_LOOK_MS)
		wait_ms = QUEUE_LOOK_MS;
	if (queue->is_stopped)
		return;
	if (!timer_is_on(&queue->timer) || queue->timer.at_ms > now_ms + wait_ms)
		timer_start(queue->env->loop, &queue->timer, wait_ms > 0 ? wait_ms : 0,
			    timer_fired);
}

/* ---- waits that no clock of ours can have meant, or no settings of now ---- */

static bool run_mend(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct queue *queue = container_of(job, struct queue, mend_job);

	return queue_mend(catalog, clock_wall_ms(), queue_longest_ms(queue->env), MEND_ROWS,
			  &queue->mended, err);
}

static void mended(struct ledger_job *job)
{
	struct queue *queue = container_of(job, struct queue, mend_job);

	queue->is_mending = false;
	if (!job->succeeded) {
		log_error(NULL, "cannot write the queue: %s", job->err.text);
		return; /* the next claim finds them again */
	}
	log_warn(NULL,
		 "%lld recordings were to wait longer than any wait is now (the clock was set "
		 "back, or fetch.retry_most is shorter); they are due now",
		 (long long)queue->mended);
	queue_wake(queue);
}

static void mend(struct queue *queue)
{
	if (queue->is_mending || queue->is_stopped)
		return;
	queue->is_mending = true;
	queue->mend_job = (struct ledger_job){ .run = run_mend,
					       .done = mended,
					       .reply = queue->env->mailbox };
	ledger_write(queue->env->ledger, &queue->mend_job);
}

/* ---- claims ---- */

/* What was begun and nobody has taken: by a try whose commit failed, as a rule, and then it is nothing. */
static void forget_rows(struct queue *queue)
{
	for (size_t i = 0; i < queue->count; i++)
		lease_begun_free(TAKE(queue->rows[i].begun));
	queue->count = 0;
}

static bool claim(struct queue *queue, struct catalog *catalog, struct queue_dues *dues,
		  struct err *err)
{
	return queue_ask_dues(catalog, dues, err) &&
	       leases_claim(catalog, &queue->claim, queue->rows, &queue->count, &queue->asked,
			    err) &&
	       queue_read_dues(catalog, dues, &queue->next_due_ms, &queue->is_beyond, err);
}

static bool run_claim(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct queue *queue = container_of(job, struct queue, claim_job);
	int64_t now_ms = clock_wall_ms();
	struct queue_dues dues = { .now_ms = now_ms,
				   .beyond_ms = now_ms + queue_longest_ms(queue->env) };
	bool was_claimed;

	leases_asked_release(&queue->asked);
	forget_rows(queue);
	queue->claim.now_ms = now_ms;
	queue->claim.retention = queue->env->options.retention;
	was_claimed = claim(queue, catalog, &dues, err);
	queue_dues_release(&dues);
	return was_claimed;
}

/* What cannot be read is had all the same, and given back as what was forgotten is (ledger/membership.h). */
static void claim_is_settled(struct ledger_job *job)
{
	struct queue *queue = container_of(job, struct queue, claim_job);
	struct err err;

	if (leases_had(&queue->claim, &queue->asked, queue->rows, &queue->count,
		       &queue->passed_over, &err))
		return;
	log_debug(NULL, "cannot read what was claimed: %s", err.text);
	queue->count = 0;
	queue->passed_over = true;
}

static void claim_came(struct ledger_job *job)
{
	struct queue *queue = container_of(job, struct queue, claim_job);
	bool was_all;

	queue->is_asking = false;
	if (!job->succeeded) {
		if (job->err.kind !=
		    ERR_UNAVAILABLE) /* a server that is away: told by who writes */
			log_error(NULL, "cannot read the queue: %s", job->err.text);
		forget_rows(queue);
		queue->claimed_all(queue);
		queue_wake_in(queue, QUEUE_AGAIN_MS);
		return;
	}
	for (size_t i = 0; i < queue->count; i++)
		queue->claimed(queue, &queue->rows[i]);
	was_all = queue->count > 0 && queue->count == queue->claim.most;
	forget_rows(queue);
	queue->claimed_all(queue);
	if (queue->is_beyond)
		mend(queue);
	if (queue->passed_over)
		queue_wake_in(queue, QUEUE_PASSED_MS);
	if (queue->next_due_ms != RECORDING_NEVER)
		queue_wake_in(queue, queue->next_due_ms - clock_wall_ms());
	/* As many as there were slots for: there may be more slots by now. */
	if (queue->is_wanted || was_all)
		queue_wake(queue);
}

void queue_wake(struct queue *queue)
{
	queue->is_wanted = queue->is_asking;
	if (queue->is_asking || queue->is_stopped)
		return;
	queue->claim = (struct queue_claim){ 0 };
	if (!queue->prepare(queue, &queue->claim))
		return;
	timer_stop(&queue->timer);
	queue->is_asking = true;
	queue->claim_job = (struct ledger_job){ .run = run_claim,
						.settled = claim_is_settled,
						.done = claim_came,
						.reply = queue->env->mailbox,
						.is_quick = true };
	if (ledger_is_shared(queue->env->ledger))
		ledger_write(queue->env->ledger, &queue->claim_job);
	else
		ledger_read(queue->env->ledger, &queue->claim_job);
}

void queue_init(struct queue *queue, const struct flight_env *env)
{
	*queue = (struct queue){ .env = env };
}

void queue_release(struct queue *queue)
{
	queue_stop(queue);
	forget_rows(queue);
}

void queue_stop(struct queue *queue)
{
	queue->is_stopped = true;
	timer_stop(&queue->timer);
}
