#include "event/workers.h"

#include "base/mem.h"
#include "base/own.h"

#include <pthread.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t posted;
	struct job *first, **last;
	bool stopping;

	unsigned count;
	pthread_t *threads;
};

static void deliver_done(struct mail *mail)
{
	struct job *job = container_of(mail, struct job, mail);

	job->done(job);
}

/* Waits for a job; NULL when there will be none any more. */
static struct job *take_job(struct workers *workers)
{
	struct job *job;

	pthread_mutex_lock(&workers->mutex);
	while (!workers->first && !workers->stopping)
		pthread_cond_wait(&workers->posted, &workers->mutex);
	job = workers->first;
	if (job) {
		workers->first = job->next;
		if (!workers->first)
			workers->last = &workers->first;
	}
	pthread_mutex_unlock(&workers->mutex);
	return job;
}

static void *work(void *argument)
{
	struct workers *workers = argument;
	struct job *job;

	while ((job = take_job(workers)) != NULL) {
		struct mailbox *reply = job->reply;

		job->run(job);
		if (!reply) /* it may have been posted again by now, or freed */
			continue;
		job->mail.deliver = deliver_done;
		mailbox_post(reply, &job->mail);
	}
	return NULL;
}

bool workers_start(const char *name, unsigned count, struct workers **out, struct err *err)
{
	struct workers *workers = xcalloc(1, sizeof(*workers));

	workers->last = &workers->first;
	workers->threads = xcalloc(count, sizeof(pthread_t));
	pthread_mutex_init(&workers->mutex, NULL);
	pthread_cond_init(&workers->posted, NULL);
	for (; workers->count < count; workers->count++) {
		int failed = pthread_create(&workers->threads[workers->count], NULL, work, workers);

		if (failed) {
			workers_stop(workers);
			return err_set(err, ERR_INTERNAL,
				       "cannot start a thread for '%s' (error %d)", name, failed);
		}
		pthread_setname_np(workers->threads[workers->count], name);
	}
	*out = workers;
	return true;
}

void workers_stop(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->mutex);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->posted);
	pthread_mutex_unlock(&workers->mutex);
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->posted);
	pthread_mutex_destroy(&workers->mutex);
	free(workers->threads);
	free(workers);
}

void workers_post(struct workers *workers, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&workers->mutex);
	*workers->last = job;
	workers->last = &job->next;
	pthread_cond_signal(&workers->posted);
	pthread_mutex_unlock(&workers->mutex);
}
