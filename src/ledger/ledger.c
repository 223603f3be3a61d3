/*
 * The writer's turn:
 *
 *	take all jobs that wait -> begin, run each, commit -> answer each
 *	-> project a batch of events, commit (projector.h) -> tell the feed (feed.h)
 *	-> see to it that the log is moved into the database (checkpointer.h)
 *
 * When a job fails, or the commit does, the whole batch is rolled back and its jobs run
 * again one by one, each in a transaction of its own: the usual way stays one
 * transaction without savepoints, and one bad job costs its neighbours only time.
 */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/processes.h"
#include "ledger/checkpointer.h"
#include "ledger/disk_failure.h"
#include "ledger/projector.h"
#include "ledger/reserve.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Jobs in one transaction: bounds how long the first of them waits. */
#define BATCH_MAX FEED_COMMIT_MAX
#define READERS   2
/* A lock or a disk may be as it was long before somebody writes again; damage is met by those who read what is damaged. */
#define WRITE_RECENT_MS (5 * 60 * 1000)
#define READ_RECENT_MS  (15 * 60 * 1000)

struct reader {
	struct ledger *ledger;
	struct catalog *catalog;
	pthread_t thread;
	bool is_running;
};

struct ledger {
	char *path;
	struct feed *feed;

	struct catalog *catalog; /* the writer's */
	struct ledger_queue writes;
	pthread_t writer;
	bool is_writing;
	struct projector projector;                        /* the writer's */
	struct projection_change changes[FEED_COMMIT_MAX]; /* the writer's: of one commit */
	struct checkpointer *checkpointer;                 /* NULL: the ledger is no file */
	struct reserve *reserve;                           /* NULL: none */
	struct ledger_times times;
	struct trouble writing, reading;

	struct ledger_queue reads;
	struct reader readers[READERS];
};

/* ---- the writer ---- */

/* A full disk is no failed one: nothing was lost, and there will be room again. */
static bool commit(struct ledger *ledger, struct err *err)
{
	int64_t began_us = clock_monotonic_us();

	if (catalog_commit(ledger->catalog, err)) {
		time_histogram_count(&ledger->times.commits, clock_monotonic_us() - began_us);
		return true;
	}
	counter_add(&ledger->times.commits_failed, 1);
	if (err->kind == ERR_INTERNAL && catalog_is_local(ledger->catalog))
		disk_failure_end(err);
	return false;
}

/* Of the ledger, and not of what a job asked of it. */
static bool is_trouble(const struct err *err)
{
	return err->kind == ERR_INTERNAL || err->kind == ERR_UNAVAILABLE || err->kind == ERR_SCARCE;
}

static void note_write(struct ledger *ledger, bool was_written, const struct err *err)
{
	if (was_written && trouble_worked(&ledger->writing))
		log_info(NULL, "the ledger is written again");
	else if (!was_written && is_trouble(err) && trouble_failed(&ledger->writing, err->text))
		log_warn(NULL, "the ledger cannot be written: %s", err->text);
}

static bool write_batch(struct ledger *ledger, struct ledger_job *first, int64_t *out_sequence,
			struct err *err)
{
	struct catalog *catalog = ledger->catalog;

	if (!catalog_begin(catalog, err))
		return false;
	for (struct ledger_job *job = first; job; job = job->next) {
		if (!job->run(job, catalog, err)) {
			catalog_rollback(catalog);
			return false;
		}
	}
	if (!catalog_sequence(catalog, out_sequence, err)) {
		catalog_rollback(catalog);
		return false;
	}
	return commit(ledger, err);
}

/*
 * A server that was restarted, or another one that took its place, is asked once more: it is by then, or what failed is no
 * matter of a moment.
 */
static bool write_again(struct ledger *ledger, struct ledger_job *first, int64_t *out_sequence,
			struct err *err)
{
	return write_batch(ledger, first, out_sequence, err) ||
	       (err->kind == ERR_UNAVAILABLE && !catalog_is_local(ledger->catalog) &&
		write_batch(ledger, first, out_sequence, err));
}

/* The same, and once more where a full disk has a reserve to give up. */
static bool write_all(struct ledger *ledger, struct ledger_job *first, int64_t *out_sequence,
		      struct err *err)
{
	bool was_written = write_again(ledger, first, out_sequence, err);

	if (!ledger->reserve || (!was_written && err->kind != ERR_UNAVAILABLE)) {
		note_write(ledger, was_written, err);
		return was_written;
	}
	if (!was_written && reserve_spend(ledger->reserve))
		was_written = write_batch(ledger, first, out_sequence, err);
	note_write(ledger, was_written, err);
	reserve_turn(ledger->reserve, !was_written                           ? RESERVE_BATCH_FAILED
				      : catalog_has_changed(ledger->catalog) ? RESERVE_BATCH_WRITTEN
									     : RESERVE_BATCH_EMPTY);
	return was_written;
}

/* All changes of one commit are told at once, and before its jobs are answered. */
static void tell_of(struct ledger *ledger, const struct ledger_job *jobs, int64_t sequence)
{
	size_t count = 0;

	for (const struct ledger_job *job = jobs; job; job = job->next)
		if (job->change.what != 0)
			ledger->changes[count++] = job->change;
	feed_tell(ledger->feed, ledger->changes, count, sequence);
}

static void answer_all(struct ledger_job *jobs, bool succeeded, int64_t sequence,
		       const struct err *err)
{
	while (jobs) {
		struct ledger_job *job = jobs;

		jobs = job->next; /* the asker has it back */
		job->next = NULL;
		job->succeeded = succeeded;
		job->sequence = sequence;
		if (!succeeded)
			job->err = *err;
		ledger_job_answer(job);
	}
}

/* In one transaction. */
static bool write_together(struct ledger *ledger, struct ledger_job *jobs, struct err *err)
{
	int64_t sequence = 0;

	if (!write_all(ledger, jobs, &sequence, err))
		return false;
	tell_of(ledger, jobs, sequence);
	answer_all(jobs, true, sequence, NULL);
	return true;
}

static void write_jobs(struct ledger *ledger, struct ledger_job *jobs)
{
	struct err err;

	if (write_together(ledger, jobs, &err))
		return;
	if (!jobs->next) {
		answer_all(jobs, false, 0, &err);
		return;
	}
	while (jobs) {
		struct ledger_job *job = jobs;

		jobs = job->next;
		job->next = NULL;
		if (!write_together(ledger, job, &err))
			answer_all(job, false, 0, &err);
	}
}

/* Projects a batch, if there is one; true when more is waiting. */
static bool project(struct ledger *ledger, bool was_written)
{
	struct projector *projector = &ledger->projector;
	bool more = projector_turn(projector, ledger->catalog, was_written, clock_monotonic_ms());

	feed_tell(ledger->feed, projector->done.changes, projector->done.count,
		  projector->done.sequence);
	return more;
}

static void *run_writer(void *argument)
{
	struct ledger *ledger = argument;
	bool is_stopping = false;
	int64_t wait_ms = 0; /* at start: what a crash left behind the watermark */

	for (;;) {
		struct ledger_job *jobs =
			ledger_queue_take(&ledger->writes, BATCH_MAX, wait_ms, &is_stopping);

		if (jobs)
			write_jobs(ledger, jobs);
		else if (is_stopping)
			break;
		wait_ms = project(ledger, jobs != NULL)
				  ? 0
				  : projector_wait_ms(&ledger->projector, clock_monotonic_ms());
		if (ledger->checkpointer)
			checkpointer_turn(ledger->checkpointer, ledger->catalog);
	}
	return NULL;
}

/* ---- the readers ---- */

static bool read_one(struct catalog *catalog, struct ledger_job *job)
{
	if (!catalog_begin(catalog, &job->err))
		return false;

	bool good = catalog_sequence(catalog, &job->sequence, &job->err) &&
		    job->run(job, catalog, &job->err);

	catalog_rollback(catalog);
	return good;
}

static void *run_reader(void *argument)
{
	struct reader *reader = argument;
	struct ledger_job *job;
	bool is_stopping = false;

	while ((job = ledger_queue_take(&reader->ledger->reads, 1, -1, &is_stopping)) != NULL) {
		job->succeeded =
			read_one(reader->catalog, job) ||
			(job->err.kind == ERR_UNAVAILABLE && !catalog_is_local(reader->catalog) &&
			 read_one(reader->catalog, job));
		if (!job->succeeded && is_trouble(&job->err) &&
		    trouble_failed(&reader->ledger->reading, job->err.text))
			log_warn(NULL, "the ledger cannot be read: %s", job->err.text);
		ledger_job_answer(job);
	}
	return NULL;
}

/* ---- life cycle ---- */

static bool open_catalog(struct ledger *ledger, struct err *err)
{
	if (catalog_open(ledger->path, CATALOG_WRITE, &ledger->catalog, err))
		return true;
	return err->kind == ERR_UNAVAILABLE && ledger->reserve && reserve_spend(ledger->reserve) &&
	       catalog_open(ledger->path, CATALOG_WRITE, &ledger->catalog, err);
}

/* The feed begins where the ledger stands. */
static bool open_feed(struct ledger *ledger, struct err *err)
{
	int64_t sequence;

	if (!catalog_sequence(ledger->catalog, &sequence, err))
		return false;
	ledger->feed = feed_new(sequence);
	return true;
}

bool ledger_open(const char *path, struct ledger **out, struct err *err)
{
	return ledger_open_reserved(path, NULL, out, err);
}

bool ledger_open_reserved(const char *path, struct reserve *reserve, struct ledger **out,
			  struct err *err)
{
	struct ledger *ledger = xcalloc(1, sizeof(*ledger));

	ledger->path = xstrdup(path);
	ledger->reserve = reserve;
	ledger->writing = ledger->reading = (struct trouble)TROUBLE_NONE;
	ledger_queue_init(&ledger->writes);
	ledger_queue_init(&ledger->reads);
	if (!open_catalog(ledger, err) || !open_feed(ledger, err)) {
		ledger_free(ledger);
		return false;
	}
	*out = ledger;
	return true;
}

bool ledger_enlist(struct ledger *ledger, struct err *err)
{
	return catalog_enlist(ledger->catalog, err);
}

struct catalog *ledger_catalog(struct ledger *ledger)
{
	return ledger->catalog;
}

const struct ledger_times *ledger_times(const struct ledger *ledger)
{
	return &ledger->times;
}

bool ledger_write_now(struct ledger *ledger, struct ledger_job *job, struct err *err)
{
	job->next = NULL;
	return write_all(ledger, job, &job->sequence, err);
}

void ledger_troubles(struct ledger *ledger, struct ledger_troubles *out)
{
	trouble_read(&ledger->writing, WRITE_RECENT_MS, &out->writing);
	trouble_read(&ledger->reading, READ_RECENT_MS, &out->reading);
}

void ledger_listen(struct ledger *ledger, struct ledger_listener *listener)
{
	feed_listen(ledger->feed, listener);
}

struct feed *ledger_feed(struct ledger *ledger)
{
	return ledger->feed;
}

static bool start_thread(pthread_t *out, const char *name, void *(*run)(void *), void *argument,
			 struct err *err)
{
	int failed = pthread_create(out, NULL, run, argument);

	if (failed)
		return err_set(err, ERR_INTERNAL, "cannot start the thread '%s' (error %d)", name,
			       failed);
	pthread_setname_np(*out, name);
	return true;
}

bool ledger_start(struct ledger *ledger, struct err *err)
{
	for (int i = 0; i < READERS; i++) {
		struct reader *reader = &ledger->readers[i];

		reader->ledger = ledger;
		if (!catalog_open(ledger->path, CATALOG_READ, &reader->catalog, err) ||
		    !start_thread(&reader->thread, "reader", run_reader, reader, err))
			return false;
		reader->is_running = true;
	}
	if ((catalog_is_local(ledger->catalog) &&
	     !checkpointer_start(ledger->path, &ledger->checkpointer, err)) ||
	    !start_thread(&ledger->writer, "writer", run_writer, ledger, err))
		return false;
	ledger->is_writing = true;
	return true;
}

void ledger_stop(struct ledger *ledger)
{
	ledger_queue_stop(&ledger->reads);
	ledger_queue_stop(&ledger->writes);
	for (int i = 0; i < READERS; i++) {
		if (ledger->readers[i].is_running)
			pthread_join(ledger->readers[i].thread, NULL);
		ledger->readers[i].is_running = false;
	}
	if (ledger->is_writing)
		pthread_join(ledger->writer, NULL);
	ledger->is_writing = false;
	ledger_queue_close(&ledger->reads);
	ledger_queue_close(&ledger->writes);
	checkpointer_free(TAKE(ledger->checkpointer));
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (int i = 0; i < READERS; i++)
		catalog_free(ledger->readers[i].catalog);
	catalog_free(ledger->catalog);
	feed_free(ledger->feed);
	ledger_queue_release(&ledger->writes);
	ledger_queue_release(&ledger->reads);
	free(ledger->path);
	free(ledger);
}

void ledger_write(struct ledger *ledger, struct ledger_job *job)
{
	ledger_queue_post(&ledger->writes, job);
}

void ledger_read(struct ledger *ledger, struct ledger_job *job)
{
	ledger_queue_post(&ledger->reads, job);
}
