#include "auth/hashers.h"

#include "auth/guarded.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 19

/* What a name that nobody has is checked against: the same cost, and never right. */
#define DUMMY_PASSWORD STR("a password that nobody can type\n")

struct hashers {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t posted;
	struct fair_queue known, others; /* whose browser signed in before, and everybody else's */
	bool is_stopping;

	struct password_cost cost;
	char dummy[PASSWORD_HASH_SIZE];
	unsigned count;
	pthread_t *threads;
};

struct hash_job *hash_job_new(struct str password)
{
	struct hash_job *job = xcalloc(1, sizeof(*job));

	job->password = guarded_copy(password, &job->password_len);
	return job;
}

void hash_job_set_new(struct hash_job *job, struct str password)
{
	guarded_free(job->new_password);
	job->new_password = guarded_copy(password, &job->new_password_len);
}

void hash_job_free(struct hash_job *job)
{
	if (!job)
		return;
	guarded_free(job->password);
	guarded_free(job->new_password);
	sodium_memzero(job, sizeof(*job));
	free(job);
}

/* ---- the work ---- */

static bool check(const struct hashers *hashers, struct hash_job *job, struct str password)
{
	enum password_match match;
	const char *hash = job->hash[0] ? job->hash : hashers->dummy;

	if (!password_hash_check(&hashers->cost, hash, password, &match, &job->err))
		return false;
	job->is_right = job->hash[0] && match != PASSWORD_WRONG;
	if (match == PASSWORD_RIGHT_BUT_CHEAP && job->is_right)
		job->makes = true;
	return true;
}

static bool make(const struct hashers *hashers, struct hash_job *job, struct str password)
{
	if (job->rules &&
	    !password_judge(job->rules, str_of(job->name), password, &job->fault, &job->err))
		return false;
	return job->fault != PASSWORD_GOOD ||
	       password_hash_make(&hashers->cost, password, job->new_hash, &job->err);
}

static void run(const struct hashers *hashers, struct hash_job *job)
{
	struct str password = { job->password, job->password_len }, new_password = password;

	if (job->new_password)
		new_password = (struct str){ job->new_password, job->new_password_len };
	if (job->checks && !check(hashers, job, password))
		return;
	if (job->makes && (!job->checks || job->is_right) && !make(hashers, job, new_password))
		return;
	job->succeeded = true;
}

static void deliver(struct mail *mail)
{
	struct hash_job *job = container_of(mail, struct hash_job, mail);

	if (job->done)
		job->done(job);
	else
		hash_job_free(job);
}

static void send_back(struct hash_job *job)
{
	job->mail.deliver = deliver;
	mailbox_post(job->reply, &job->mail);
}

static struct hash_job *take(struct hashers *hashers)
{
	struct fair_queue_entry *entry = NULL;

	pthread_mutex_lock(&hashers->mutex);
	while (!hashers->is_stopping && !(entry = fair_queue_take(&hashers->known)) &&
	       !(entry = fair_queue_take(&hashers->others)))
		pthread_cond_wait(&hashers->posted, &hashers->mutex);
	pthread_mutex_unlock(&hashers->mutex);
	return entry ? container_of(entry, struct hash_job, entry) : NULL;
}

static void *work(void *argument)
{
	struct hashers *hashers = argument;
	struct hash_job *job;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread alone, on Linux */
	while ((job = take(hashers)) != NULL) {
		run(hashers, job);
		send_back(job);
	}
	return NULL;
}

static bool is_full(const struct hashers *hashers)
{
	return hashers->known.count + hashers->others.count >= HASHERS_QUEUE_MAX;
}

bool hashers_have_room(struct hashers *hashers)
{
	bool have_room;

	pthread_mutex_lock(&hashers->mutex);
	have_room = !is_full(hashers) && hashers->others.count < HASHERS_OTHERS_MAX;
	pthread_mutex_unlock(&hashers->mutex);
	return have_room;
}

bool hashers_post(struct hashers *hashers, struct hash_job *job, struct str network,
		  bool is_known_device)
{
	struct fair_queue *queue = is_known_device ? &hashers->known : &hashers->others;
	bool was_taken;

	pthread_mutex_lock(&hashers->mutex);
	was_taken = !is_full(hashers) && fair_queue_add(queue, &job->entry, network);
	if (was_taken)
		pthread_cond_signal(&hashers->posted);
	pthread_mutex_unlock(&hashers->mutex);
	return was_taken;
}

/* ---- life cycle ---- */

bool hashers_start(unsigned count, const struct password_cost *cost, struct hashers **out,
		   struct err *err)
{
	AUTO(hashers_stop) struct hashers *hashers = xcalloc(1, sizeof(*hashers));

	pthread_mutex_init(&hashers->mutex, NULL);
	pthread_cond_init(&hashers->posted, NULL);
	fair_queue_init(&hashers->known, HASHERS_PEER_MAX, HASHERS_QUEUE_MAX);
	fair_queue_init(&hashers->others, HASHERS_PEER_MAX, HASHERS_OTHERS_MAX);
	hashers->cost = *cost;
	hashers->threads = xcalloc(count, sizeof(pthread_t));
	if (!password_hash_make(cost, DUMMY_PASSWORD, hashers->dummy, err))
		return false;
	for (; hashers->count < count; hashers->count++) {
		pthread_t *thread = &hashers->threads[hashers->count];
		int failed = pthread_create(thread, NULL, work, hashers);

		if (failed)
			return err_set(err, ERR_INTERNAL,
				       "cannot start a thread to hash passwords (error %d)",
				       failed);
		pthread_setname_np(*thread, "hasher");
	}
	*out = TAKE(hashers);
	return true;
}

static void drop_all(struct fair_queue *queue)
{
	struct fair_queue_entry *entry;

	while ((entry = fair_queue_take(queue)) != NULL) {
		struct hash_job *job = container_of(entry, struct hash_job, entry);

		err_set(&job->err, ERR_UNAVAILABLE, "the server stops");
		send_back(job);
	}
	fair_queue_release(queue);
}

void hashers_stop(struct hashers *hashers)
{
	if (!hashers)
		return;
	pthread_mutex_lock(&hashers->mutex);
	hashers->is_stopping = true;
	pthread_cond_broadcast(&hashers->posted);
	pthread_mutex_unlock(&hashers->mutex);
	for (unsigned i = 0; i < hashers->count; i++)
		pthread_join(hashers->threads[i], NULL);
	drop_all(&hashers->known);
	drop_all(&hashers->others);
	pthread_cond_destroy(&hashers->posted);
	pthread_mutex_destroy(&hashers->mutex);
	free(hashers->threads);
	free(hashers);
}
