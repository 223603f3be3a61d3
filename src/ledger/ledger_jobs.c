#include "ledger/ledger_jobs.h"

#include "catalog/catalog_sql.h"

#include <stddef.h>
#include <time.h>

void ledger_job_let_go(struct ledger_job *job, struct catalog *catalog)
{
	job->change.what |= PROJECTED_LET_GO;
	(void)catalog_next_sequence(catalog);
}

static void deliver(struct mail *mail)
{
	struct ledger_job *job = container_of(mail, struct ledger_job, mail);

	job->done(job);
}

void ledger_job_answer(struct ledger_job *job)
{
	job->mail.deliver = deliver;
	mailbox_post(job->reply, &job->mail);
}

/* It waits by the clock that nobody sets. */
void ledger_queue_init(struct ledger_queue *queue)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->posted, &attributes);
	pthread_condattr_destroy(&attributes);
	queue->first = NULL;
	queue->last = &queue->first;
	queue->is_stopping = queue->is_closed = queue->is_woken = false;
}

void ledger_queue_release(struct ledger_queue *queue)
{
	pthread_cond_destroy(&queue->posted);
	pthread_mutex_destroy(&queue->mutex);
}

static void refuse(struct ledger_job *job, const struct err *why)
{
	job->succeeded = false;
	job->err = *why;
	ledger_job_answer(job);
}

static void refuse_all(struct ledger_job *jobs, const struct err *why)
{
	while (jobs) {
		struct ledger_job *job = jobs;

		jobs = job->next; /* the asker has it back */
		job->next = NULL;
		refuse(job, why);
	}
}

static const struct err is_stopped = { .kind = ERR_UNAVAILABLE, .text = "the ledger is stopped" };

void ledger_queue_post(struct ledger_queue *queue, struct ledger_job *job)
{
	bool is_closed;

	job->next = NULL;
	pthread_mutex_lock(&queue->mutex);
	is_closed = queue->is_closed;
	if (!is_closed) {
		*queue->last = job;
		queue->last = &job->next;
		pthread_cond_signal(&queue->posted);
	}
	pthread_mutex_unlock(&queue->mutex);
	if (is_closed)
		refuse(job, &is_stopped);
}

/* The mutex is held. */
static struct ledger_job *take_all(struct ledger_queue *queue)
{
	struct ledger_job *jobs = queue->first;

	queue->first = NULL;
	queue->last = &queue->first;
	return jobs;
}

void ledger_queue_close(struct ledger_queue *queue)
{
	struct ledger_job *jobs;

	pthread_mutex_lock(&queue->mutex);
	queue->is_closed = true;
	jobs = take_all(queue);
	pthread_mutex_unlock(&queue->mutex);
	refuse_all(jobs, &is_stopped);
}

void ledger_queue_refuse(struct ledger_queue *queue, const struct err *why)
{
	struct ledger_job *jobs;

	pthread_mutex_lock(&queue->mutex);
	jobs = take_all(queue);
	pthread_mutex_unlock(&queue->mutex);
	refuse_all(jobs, why);
}

void ledger_queue_stop(struct ledger_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->is_stopping = true;
	pthread_cond_broadcast(&queue->posted);
	pthread_mutex_unlock(&queue->mutex);
}

void ledger_queue_wake(struct ledger_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->is_woken = true;
	pthread_cond_broadcast(&queue->posted);
	pthread_mutex_unlock(&queue->mutex);
}

static struct timespec in_ms(int64_t wait_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += wait_ms / 1000;
	at.tv_nsec += wait_ms % 1000 * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

/* The mutex is held. */
static void wait_for_job(struct ledger_queue *queue, int64_t wait_ms)
{
	struct timespec until = in_ms(wait_ms > 0 ? wait_ms : 0);
	bool is_over = wait_ms == 0;

	while (!queue->first && !queue->is_stopping && !queue->is_woken && !is_over) {
		if (wait_ms < 0)
			pthread_cond_wait(&queue->posted, &queue->mutex);
		else
			is_over = pthread_cond_timedwait(&queue->posted, &queue->mutex, &until) !=
				  0;
	}
}

struct ledger_job *ledger_queue_take(struct ledger_queue *queue, unsigned max, int64_t wait_ms,
				     bool *out_is_stopping)
{
	struct ledger_job *first, **last;

	pthread_mutex_lock(&queue->mutex);
	wait_for_job(queue, wait_ms);
	first = queue->first;
	last = &queue->first;
	while (*last && max-- > 0)
		last = &(*last)->next;
	queue->first = *last;
	if (!queue->first)
		queue->last = &queue->first;
	*last = NULL;
	queue->is_woken = false;
	*out_is_stopping = queue->is_stopping;
	pthread_mutex_unlock(&queue->mutex);
	return first;
}
