#include "ledger/ledger_jobs.h"

#include "base/clock.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>

static struct ledger_queue queue;
static struct ledger_job jobs[5];
static bool is_stopping;

static int number_of(const struct ledger_job *job)
{
	return job ? (int)(job - jobs) : -1;
}

static size_t length(const struct ledger_job *job)
{
	size_t count = 0;

	for (; job; job = job->next)
		count++;
	return count;
}

static void test_order(void)
{
	struct ledger_job *taken;

	OK(!ledger_queue_take(&queue, 8, 0, &is_stopping) && !is_stopping, "it is empty");
	for (int i = 0; i < 5; i++)
		ledger_queue_post(&queue, &jobs[i]);
	taken = ledger_queue_take(&queue, 2, -1, &is_stopping);
	IS_INT(number_of(taken), 0, "the oldest first");
	IS_INT(length(taken), 2, "as many as are wanted");
	taken = ledger_queue_take(&queue, 8, -1, &is_stopping);
	IS_INT(number_of(taken), 2, "then those behind them");
	IS_INT(length(taken), 3, "all that there are");
	ledger_queue_post(&queue, &jobs[0]);
	taken = ledger_queue_take(&queue, 8, -1, &is_stopping);
	IS_INT(number_of(taken), 0, "posted to an empty queue");
	IS_INT(length(taken), 1, "it is alone");
}

static void test_time(void)
{
	int64_t began_ms = clock_monotonic_ms();

	OK(!ledger_queue_take(&queue, 1, 30, &is_stopping) && !is_stopping, "nobody posts");
	OK(clock_monotonic_ms() - began_ms >= 29, "it was waited for");
}

static void *take_one(void *argument)
{
	return ledger_queue_take(&queue, 1, *(const int64_t *)argument, &is_stopping);
}

/* Whoever waits, with a limit or without one, is woken. */
static void test_woken(int64_t wait_ms)
{
	pthread_t thread;
	void *taken;

	pthread_create(&thread, NULL, take_one, &wait_ms);
	ledger_queue_post(&queue, &jobs[3]);
	pthread_join(thread, &taken);
	IS_INT(number_of(taken), 3, "a job wakes who waits (%lld ms)", (long long)wait_ms);
}

static void test_stopped(void)
{
	static int64_t for_ever = -1;
	pthread_t thread;
	void *taken;

	pthread_create(&thread, NULL, take_one, &for_ever);
	ledger_queue_stop(&queue);
	pthread_join(thread, &taken);
	OK(!taken && is_stopping, "a stop wakes who waits");
	ledger_queue_post(&queue, &jobs[4]);
	IS_INT(number_of(ledger_queue_take(&queue, 1, -1, &is_stopping)), 4,
	       "what is posted after it is taken still");
	OK(!ledger_queue_take(&queue, 1, -1, &is_stopping) && is_stopping, "and nobody waits");
}

static int answered;

static void done(struct ledger_job *job)
{
	answered++;
}

/* What nobody will take any more is answered undone, and so is what comes later. */
static void test_closed(void)
{
	struct ledger_queue closed;
	struct mailbox *mailbox;
	struct loop *loop;
	struct err err;

	if (!loop_new(&loop, &err) || !mailbox_open(loop, &mailbox, &err))
		exit(1);
	ledger_queue_init(&closed);
	for (int i = 0; i < 3; i++) {
		jobs[i] = (struct ledger_job){ .done = done, .reply = mailbox, .succeeded = true };
		if (i < 2)
			ledger_queue_post(&closed, &jobs[i]);
	}
	ledger_queue_close(&closed);
	ledger_queue_post(&closed, &jobs[2]);
	mailbox_drain(mailbox);
	IS_INT(answered, 3, "what was posted before it was closed, and after, is answered");
	for (int i = 0; i < 3; i++)
		OK(!jobs[i].succeeded && jobs[i].err.kind == ERR_UNAVAILABLE, "undone");
	OK(!ledger_queue_take(&closed, 8, 0, &is_stopping), "nothing is left in it");
	ledger_queue_release(&closed);
	mailbox_free(mailbox);
	loop_free(loop);
}

int main(void)
{
	ledger_queue_init(&queue);
	test_order();
	test_time();
	test_woken(-1);
	test_woken(60000);
	test_stopped();
	test_closed();
	ledger_queue_release(&queue);
	return tap_end();
}
