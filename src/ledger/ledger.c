/*
 * The writer's turn:
 *
 *	take all jobs that wait -> begin, run each, commit -> answer each (writer.h)
 *	-> project a batch of events, commit (projector.h) -> tell the feed (feed.h)
 *	-> see to it that the log is moved into the database (checkpointer.h)
 *
 * On a server a turn waits for those of other processes.  So webhooks are committed by the quick writer, which waits for
 * nobody and wakes the writer to project them; and the pulse (pulse.h) wakes it when others have had a turn.
 */
#include "ledger/ledger.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/processes.h"
#include "cluster/members.h"
#include "ledger/checkpointer.h"
#include "ledger/projector.h"
#include "ledger/pulse.h"
#include "ledger/reserve.h"
#include "ledger/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Jobs in one transaction: bounds how long the first of them waits. */
#define BATCH_MAX FEED_COMMIT_MAX
#define READERS   2
#define TURNS_READ \
	1000 /* at the start: a quarter of what the feed keeps, where each has one change */
#define AGAIN_MS 1000 /* to begin anew, where that has failed */
/* A lock or a disk may be as it was long before somebody writes again; damage is met by those who read what is damaged. */
#define WRITE_RECENT_MS (5 * 60 * 1000)
#define READ_RECENT_MS  (15 * 60 * 1000)
/* A search, or a page from a cold disk, may take some seconds: a reader that is busy for longer may hang. */
#define READ_SILENT_MS (20 * 1000)

struct reader {
	struct ledger *ledger;
	struct catalog *catalog;
	pthread_t thread;
	bool is_running;
	_Atomic int64_t since_ms; /* monotonic: it took then what it does now; 0: nothing */
};

struct ledger {
	char *path;
	char *pulse_path; /* past a pooler; NULL: none */
	struct feed *feed;

	struct writer turns; /* the writer */
	struct writer quick; /* catalog NULL: all is done in turns */
	struct pulse *pulse; /* NULL: nobody else writes */
	/* Why the writer was woken: others had a turn; there are events that no job of its own brought. */
	atomic_bool has_news, has_events, has_orphans, is_fenced;
	unsigned anew_tries; /* to begin anew, that failed in a row; the writer's */
	enum err_kind anew_kind;
	_Atomic int64_t heard;             /* that of the writer */
	_Atomic int64_t process;           /* its number, as it is now; 0: it is not enlisted */
	char *place, *address, *token;     /* as struct member_place */
	struct projector projector;        /* the writer's */
	struct checkpointer *checkpointer; /* NULL: the ledger is no file */
	struct reserve *reserve;           /* NULL: none */
	struct trouble writing, reading;

	struct ledger_queue reads;
	struct reader readers[READERS];
};

/* ---- the writer ---- */

static bool begin_projection(struct projector *projector, struct catalog_ahead *ahead,
			     struct err *err)
{
	struct ledger *ledger = container_of(projector, struct ledger, projector);
	struct catalog *catalog = ledger->turns.catalog;

	if (!writer_begin(&ledger->turns, ahead, err))
		return false;
	if (!atomic_exchange(&ledger->has_orphans, false) || catalog_find_orphans(catalog, err))
		return true;
	atomic_store(&ledger->has_orphans, true);
	catalog_rollback(catalog);
	return false;
}

/* Left behind by a newer version it stays as it is, and plays what it can, until somebody brings it up to date, too. */
static void tell_not_enlisted(struct ledger *ledger, const struct err *err)
{
	bool was_told = ledger->anew_tries > 0 && err->kind == ledger->anew_kind;

	(void)trouble_failed(&ledger->writing, err->text);
	ledger->anew_tries++;
	ledger->anew_kind = err->kind;
	if (was_told)
		log_debug(NULL, "cannot begin anew: %s", err->text);
	else if (err->kind == ERR_INVALID)
		log_error(NULL,
			  "this callspool was left behind, and writes nothing more: the ledger: %s",
			  err->text);
	else
		log_warn(NULL, "cannot begin anew: %s: trying again", err->text);
}

/* It was taken for dead: another number, and what the old one has left is found as anybody's would be. */
static void enlist_anew(struct ledger *ledger)
{
	const struct member_place place = { ledger->place, ledger->address, ledger->token };
	struct err err;

	if (members_enlist(ledger->turns.catalog, &place, clock_wall_ms(), &err)) {
		ledger->anew_tries = 0;
		atomic_store(&ledger->process, catalog_process(ledger->turns.catalog));
		log_info(NULL, "serving as process %lld from now on",
			 (long long)atomic_load(&ledger->process));
		return;
	}
	tell_not_enlisted(ledger, &err);
	atomic_store(&ledger->is_fenced, true);
}

/* Who stops does it for what is still to be written, and where there is a server. */
static bool may_begin_anew(const struct ledger *ledger, const struct ledger_job *jobs,
			   bool is_stopping)
{
	return !is_stopping || (jobs && !catalog_is_cut_off(ledger->turns.catalog));
}

/* Projects a batch, if there is one; true when more is waiting. */
static bool project(struct ledger *ledger, bool was_written)
{
	struct projector *projector = &ledger->projector;
	bool more =
		projector_turn(projector, ledger->turns.catalog, was_written, clock_monotonic_ms());

	writer_tell(&ledger->turns, projector->done.changes, projector->done.count,
		    projector->done.sequence);
	return more;
}

/*
 * Jobs append events to the stream of turns; but seldom, and of several processes each waits for a turn that looks for none.
 * In a file that costs nothing.
 */
static bool is_to_project(const struct ledger *ledger, bool had_jobs, bool has_news)
{
	if (ledger_is_shared(ledger) && had_jobs)
		return ledger->turns.has_appended ||
		       projector_wait_ms(&ledger->projector, clock_monotonic_ms()) >= 0;
	return had_jobs || !has_news;
}

static void *run_writer(void *argument)
{
	struct ledger *ledger = argument;
	struct writer *writer = &ledger->turns;
	bool is_stopping = false,
	     more = true; /* at start: what a crash left behind the watermark */
	int64_t wait_ms = 0;

	for (;;) {
		struct ledger_job *jobs =
			ledger_queue_take(&writer->queue, BATCH_MAX, wait_ms, &is_stopping);
		bool has_news = atomic_exchange(&ledger->has_news, false);
		bool has_events = atomic_exchange(&ledger->has_events, false), has_lost;

		if (is_stopping)
			catalog_be_brief(writer->catalog);
		if (may_begin_anew(ledger, jobs, is_stopping) &&
		    atomic_exchange(&ledger->is_fenced, false))
			enlist_anew(ledger);
		if (!jobs && is_stopping)
			break;
		has_lost = writer_turn(writer, jobs, has_news);
		if (is_stopping && catalog_is_cut_off(writer->catalog))
			break; /* with all that waited: it is answered */
		if (has_events || more || has_lost || is_to_project(ledger, jobs != NULL, has_news))
			more = project(ledger, jobs != NULL);
		wait_ms = more ? 0 : projector_wait_ms(&ledger->projector, clock_monotonic_ms());
		atomic_store(&ledger->heard, writer->heard);
		if (atomic_load(&ledger->is_fenced) && (wait_ms < 0 || wait_ms > AGAIN_MS))
			wait_ms = AGAIN_MS;
		if (ledger->checkpointer)
			checkpointer_turn(ledger->checkpointer, writer->catalog);
	}
	return NULL;
}

static void *run_quick(void *argument)
{
	struct ledger *ledger = argument;
	struct ledger_job *jobs;
	bool is_stopping = false;

	while ((jobs = ledger_queue_take(&ledger->quick.queue, BATCH_MAX, -1, &is_stopping))) {
		if (catalog_process(ledger->quick.catalog) != atomic_load(&ledger->process))
			catalog_enlist_as(ledger->quick.catalog, atomic_load(&ledger->process),
					  ledger->place);
		writer_write(&ledger->quick, jobs);
		atomic_store(&ledger->has_events, true);
		ledger_queue_wake(&ledger->turns.queue);
	}
	return NULL;
}

/* ---- what the pulse says ---- */

static void others_had_a_turn(void *owner)
{
	struct ledger *ledger = owner;

	atomic_store(&ledger->has_news, true);
	ledger_queue_wake(&ledger->turns.queue);
}

static void is_no_more(void *owner)
{
	struct ledger *ledger = owner;

	atomic_store(&ledger->is_fenced, true);
	ledger_queue_wake(&ledger->turns.queue);
}

static void another_is_no_more(void *owner)
{
	struct ledger *ledger = owner;

	atomic_store(&ledger->has_orphans, true);
	atomic_store(&ledger->has_events, true);
	ledger_queue_wake(&ledger->turns.queue);
}

/* ---- the readers ---- */

static bool read_one(struct catalog *catalog, struct ledger_job *job)
{
	if (!catalog_begin(catalog, &job->err))
		return false;

	bool good = catalog_sequence(catalog, &job->sequence, &job->err) &&
		    job->run(job, catalog, &job->err);

	catalog_rollback(catalog);
	if (good && job->settled)
		job->settled(job);
	return good;
}

/* Once more, as a writer tries again (writer.c). */
static bool read_again(struct catalog *catalog, struct ledger_job *job)
{
	bool was_cut_off = catalog_is_cut_off(catalog);

	if (read_one(catalog, job))
		return true;
	return job->err.kind == ERR_UNAVAILABLE && !catalog_is_local(catalog) &&
	       !(was_cut_off && catalog_is_cut_off(catalog)) && read_one(catalog, job);
}

static void *run_reader(void *argument)
{
	struct reader *reader = argument;
	struct ledger_job *job;
	bool is_stopping = false;

	while ((job = ledger_queue_take(&reader->ledger->reads, 1, -1, &is_stopping)) != NULL) {
		atomic_store(&reader->since_ms, clock_monotonic_ms());
		job->succeeded = read_again(reader->catalog, job);
		atomic_store(&reader->since_ms, 0);
		if (!job->succeeded && writer_is_trouble(&job->err) &&
		    trouble_failed(&reader->ledger->reading, job->err.text))
			log_warn(NULL, "the ledger cannot be read: %s", job->err.text);
		if (!job->succeeded && writer_is_cut_off(reader->catalog, &job->err)) {
			const struct err why = job->err;

			ledger_queue_refuse(&reader->ledger->reads, &why);
		}
		ledger_job_answer(job);
	}
	return NULL;
}

/* ---- life cycle ---- */

static bool open_catalog(struct ledger *ledger, struct err *err)
{
	if (catalog_open(ledger->path, CATALOG_WRITE, &ledger->turns.catalog, err))
		return true;
	return err->kind == ERR_UNAVAILABLE && ledger->reserve && reserve_spend(ledger->reserve) &&
	       catalog_open(ledger->path, CATALOG_WRITE, &ledger->turns.catalog, err);
}

/*
 * The feed begins where the ledger stands; or some turns before, where they are there to be read: so that a browser goes on
 * at any process, and at one that has just been started.
 */
static bool open_feed(struct ledger *ledger, struct err *err)
{
	struct writer *turns = &ledger->turns;
	bool is_local = catalog_is_local(turns->catalog);

	if (is_local ? !catalog_sequence(turns->catalog, &turns->heard, err)
		     : !turns_recent(turns->catalog, TURNS_READ, &turns->heard, err))
		return false;
	ledger->feed = turns->feed = feed_new(turns->heard);
	return is_local || turns_hear(turns->catalog, &turns->heard, &turns->hearer, err);
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
	writer_init(&ledger->turns);
	writer_init(&ledger->quick);
	ledger->turns.reserve = reserve;
	ledger->turns.trouble = ledger->quick.trouble = &ledger->writing;
	ledger->projector.begin = begin_projection;
	ledger_queue_init(&ledger->reads);
	if (!open_catalog(ledger, err) || !open_feed(ledger, err)) {
		ledger_free(ledger);
		return false;
	}
	*out = ledger;
	return true;
}

bool ledger_enlist(struct ledger *ledger, const struct member_place *place, struct err *err)
{
	struct writer *turns = &ledger->turns;

	free(ledger->place);
	free(ledger->address);
	free(ledger->token);
	ledger->place = xstrdup(place->name);
	ledger->address = place->address ? xstrdup(place->address) : NULL;
	ledger->token = place->token ? xstrdup(place->token) : NULL;
	if (!members_enlist(turns->catalog, place, clock_wall_ms(), err))
		return false;
	atomic_store(&ledger->process, catalog_process(turns->catalog));
	turns->hears = ledger_is_shared(ledger);
	return true;
}

void ledger_hear_at(struct ledger *ledger, const char *address)
{
	free(ledger->pulse_path);
	ledger->pulse_path = address ? xstrdup(address) : NULL;
}

bool ledger_is_shared(const struct ledger *ledger)
{
	return atomic_load(&ledger->process) != 0;
}

void ledger_beat(struct ledger *ledger)
{
	if (ledger->pulse)
		pulse_beat(ledger->pulse);
}

void ledger_suspect(struct ledger *ledger, int64_t process)
{
	if (ledger->pulse)
		pulse_suspect(ledger->pulse, process);
}

int64_t ledger_process(const struct ledger *ledger)
{
	return atomic_load(&ledger->process);
}

bool ledger_has_duties(const struct ledger *ledger)
{
	return !ledger->pulse || pulse_is_eldest(ledger->pulse);
}

bool ledger_hears(const struct ledger *ledger)
{
	return !ledger->pulse ||
	       clock_boot_ms() - pulse_looked_at_ms(ledger->pulse) <= LEDGER_DEAF_MS;
}

struct catalog *ledger_catalog(struct ledger *ledger)
{
	return ledger->turns.catalog;
}

void ledger_sums(const struct ledger *ledger, struct ledger_sums *out)
{
	*out = (struct ledger_sums){ .commits_failed =
					     counter_read(&ledger->turns.times.commits_failed) +
					     counter_read(&ledger->quick.times.commits_failed) };
	time_histogram_add(&ledger->turns.times.commits, &out->commits);
	time_histogram_add(&ledger->quick.times.commits, &out->commits);
	time_histogram_add(&ledger->turns.times.waits,
			   &out->turn_waits); /* the quick writer waits for nobody */
}

bool ledger_company(const struct ledger *ledger, struct ledger_company *out)
{
	*out = (struct ledger_company){ .process = atomic_load(&ledger->process) };
	if (!ledger->pulse)
		return false;
	pulse_see(ledger->pulse, &out->sight);
	return true;
}

bool ledger_write_now(struct ledger *ledger, struct ledger_job *job, struct err *err)
{
	assert(!job->settled);
	job->next = NULL;
	return writer_write_now(&ledger->turns, job, &job->sequence, err);
}

/* For how long all readers have been busy with what they have; 0: one is not. */
static int64_t silent_ms(const struct ledger *ledger)
{
	int64_t now_ms = clock_monotonic_ms(), shortest_ms = INT64_MAX;

	for (int i = 0; i < READERS; i++) {
		int64_t since_ms = atomic_load(&ledger->readers[i].since_ms);
		int64_t busy_ms = since_ms != 0 ? now_ms - since_ms : 0;

		if (busy_ms < shortest_ms)
			shortest_ms = busy_ms;
	}
	return shortest_ms;
}

void ledger_troubles(struct ledger *ledger, struct ledger_troubles *out)
{
	int64_t busy_ms = silent_ms(ledger);

	trouble_read(&ledger->writing, WRITE_RECENT_MS, &out->writing);
	trouble_read(&ledger->reading, READ_RECENT_MS, &out->reading);
	if (out->reading.for_ms >= 0 || busy_ms < READ_SILENT_MS)
		return;
	out->reading.for_ms = busy_ms;
	str_fit(STR("it does not answer"), out->reading.text, sizeof(out->reading.text));
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

static bool start_writer(struct writer *writer, const char *name, void *(*run)(void *),
			 struct ledger *ledger, struct err *err)
{
	writer->is_running = start_thread(&writer->thread, name, run, ledger, err);
	return writer->is_running;
}

static void stop_writer(struct writer *writer)
{
	ledger_queue_stop(&writer->queue);
	if (writer->is_running)
		pthread_join(writer->thread, NULL);
	writer->is_running = false;
}

/* What goes on beside turns, where others may have them, too. */
static bool start_beside(struct ledger *ledger, struct err *err)
{
	const struct pulse_owner owner = { .process = &ledger->process,
					   .place = ledger->place,
					   .heard = &ledger->heard,
					   .owner = ledger,
					   .news = others_had_a_turn,
					   .fenced = is_no_more,
					   .orphans = another_is_no_more };

	if (!catalog_open(ledger->path, CATALOG_QUICK, &ledger->quick.catalog, err))
		return false;
	catalog_enlist_as(ledger->quick.catalog, atomic_load(&ledger->process), ledger->place);
	return start_writer(&ledger->quick, "quick", run_quick, ledger, err) &&
	       pulse_start(ledger->path, ledger->pulse_path, &owner, &ledger->pulse, err);
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
	if ((catalog_is_local(ledger->turns.catalog) &&
	     !checkpointer_start(ledger->path, &ledger->checkpointer, err)) ||
	    (ledger_is_shared(ledger) && !start_beside(ledger, err)))
		return false;
	return start_writer(&ledger->turns, "writer", run_writer, ledger, err);
}

/*
 * All but the writer, which goes on behind them, come to their end at the same time: a server that is away has each wait for it.
 * The pulse before it, for nobody is to miss the row of a process that takes leave.
 */
void ledger_stop(struct ledger *ledger)
{
	ledger_queue_stop(&ledger->reads);
	ledger_queue_stop(&ledger->quick.queue);
	pulse_expect_stop(ledger->pulse);
	for (int i = 0; i < READERS; i++) {
		if (ledger->readers[i].is_running)
			pthread_join(ledger->readers[i].thread, NULL);
		ledger->readers[i].is_running = false;
	}
	stop_writer(&ledger->quick);
	pulse_stop(ledger->pulse);
	stop_writer(&ledger->turns);
	ledger_queue_close(&ledger->reads);
	ledger_queue_close(&ledger->quick.queue);
	ledger_queue_close(&ledger->turns.queue);
	catalog_be_brief(ledger->turns.catalog);
	checkpointer_free(TAKE(ledger->checkpointer));
}

static bool leave(struct catalog *catalog, struct err *err)
{
	struct projection_result *done = xcalloc(1, sizeof(*done));
	bool good = catalog_begin(catalog, err);

	do
		good = good && projection_run(catalog, PROJECTION_EVENTS_MAX, done, err);
	while (good && done->more);
	free(done);
	if (good && member_leave(catalog, clock_wall_ms(), err))
		return catalog_commit(catalog, err);
	catalog_rollback(catalog);
	return false;
}

/* What it fetched is the others' at once, and they need not wait for its end to be noticed. */
static void leave_others(struct ledger *ledger)
{
	struct err err;

	if (!ledger_is_shared(ledger))
		return;
	if (catalog_is_cut_off(ledger->turns.catalog)) /* it was looked for a server just now */
		log_warn(NULL, "cannot take leave of the ledger: its server does not answer");
	else if (!leave(ledger->turns.catalog, &err))
		log_warn(NULL, "cannot take leave of the ledger: %s", err.text);
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	leave_others(ledger);
	pulse_free(ledger->pulse);
	for (int i = 0; i < READERS; i++)
		catalog_free(ledger->readers[i].catalog);
	writer_release(&ledger->turns);
	writer_release(&ledger->quick);
	feed_free(ledger->feed);
	ledger_queue_release(&ledger->reads);
	free(ledger->place);
	free(ledger->address);
	free(ledger->token);
	free(ledger->pulse_path);
	free(ledger->path);
	free(ledger);
}

void ledger_write(struct ledger *ledger, struct ledger_job *job)
{
	bool is_quick = job->is_quick && ledger->quick.catalog;

	ledger_queue_post(is_quick ? &ledger->quick.queue : &ledger->turns.queue, job);
}

void ledger_read(struct ledger *ledger, struct ledger_job *job)
{
	ledger_queue_post(&ledger->reads, job);
}

bool ledger_left_nothing(const struct ledger *ledger, const struct err *err)
{
	return catalog_is_local(ledger->turns.catalog) || !writer_is_trouble(err);
}
