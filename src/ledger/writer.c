#include "ledger/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "catalog/catalog.h"
#include "catalog/foreseen.h"
#include "ledger/disk_failure.h"
#include "ledger/reserve.h"

/* A full disk is no failed one: nothing was lost, and there will be room again. */
static bool commit(struct writer *writer, struct err *err)
{
	int64_t began_us = clock_monotonic_us();

	if (catalog_commit(writer->catalog, err)) {
		time_histogram_count(&writer->times.commits, clock_monotonic_us() - began_us);
		return true;
	}
	counter_add(&writer->times.commits_failed, 1);
	if (err->kind == ERR_INTERNAL && catalog_is_local(writer->catalog))
		disk_failure_end(err);
	return false;
}

bool writer_is_trouble(const struct err *err)
{
	return err->kind == ERR_INTERNAL || err->kind == ERR_UNAVAILABLE || err->kind == ERR_SCARCE;
}

bool writer_is_cut_off(const struct catalog *catalog, const struct err *err)
{
	return err->kind == ERR_UNAVAILABLE && catalog_is_cut_off(catalog);
}

static void note_write(struct writer *writer, bool was_written, const struct err *err)
{
	if (was_written && trouble_worked(writer->trouble))
		log_info(NULL, "the ledger is written again");
	else if (!was_written && writer_is_trouble(err) &&
		 trouble_failed(writer->trouble, err->text))
		log_warn(NULL, "the ledger cannot be written: %s", err->text);
}

static bool hear(struct writer *writer, struct err *err)
{
	if (writer->hears && !turns_hear(writer->catalog, &writer->heard, &writer->hearer, err))
		return false;
	writer->is_behind = false;
	return true;
}

/* Others had their turns before ours: the feed is told in that order. */
bool writer_begin(struct writer *writer, struct catalog_ahead *ahead, struct err *err)
{
	int64_t began_us = clock_monotonic_us();

	if (!catalog_begin_ahead(writer->catalog, ahead, err))
		return false;
	time_histogram_count(&writer->times.waits, clock_monotonic_us() - began_us);
	if (hear(writer, err))
		return true;
	catalog_rollback(writer->catalog);
	return false;
}

static bool write_batch(struct writer *writer, struct ledger_job *first, int64_t *out_sequence,
			struct err *err)
{
	struct catalog *catalog = writer->catalog;

	for (const struct ledger_job *job = first; job; job = job->next)
		if (job->recording_sid)
			catalog_foresee(catalog, str_of(job->recording_sid));
	if (!writer_begin(writer, NULL, err))
		return false;
	for (struct ledger_job *job = first; job; job = job->next) {
		if (!job->run(job, catalog, err)) {
			catalog_rollback(catalog);
			return false;
		}
		foreseen_forget(catalog,
				job->recording_sid ? str_of(job->recording_sid) : STR_NONE);
		if (writer->feed && job->change.what != 0)
			turn_tell(catalog, &job->change);
	}
	if (!catalog_sequence(catalog, out_sequence, err)) {
		catalog_rollback(catalog);
		return false;
	}
	/* Whatever becomes of the commit. */
	writer->has_appended |= catalog_has_appended(catalog);
	return commit(writer, err);
}

/*
 * A server that was restarted, or another one that took its place, is asked once more: it is by then, or what failed is no
 * matter of a moment.  So is what met a commit in its place that was thought lost (catalog/events.h).  What was done, perhaps, is
 * not done again.
 */
static bool may_try_again(const struct writer *writer, const struct err *err)
{
	return !catalog_is_local(writer->catalog) && !catalog_is_in_doubt(writer->catalog) &&
	       (err->kind == ERR_UNAVAILABLE || (err->kind == ERR_CONFLICT && !writer->feed));
}

static bool write_again(struct writer *writer, struct ledger_job *first, int64_t *out_sequence,
			struct err *err)
{
	bool was_cut_off = catalog_is_cut_off(writer->catalog);

	if (write_batch(writer, first, out_sequence, err))
		return true;
	if (was_cut_off && catalog_is_cut_off(writer->catalog))
		return false; /* it was looked for a server just now */
	return may_try_again(writer, err) && write_batch(writer, first, out_sequence, err);
}

/* The same, and once more where a full disk has a reserve to give up. */
bool writer_write_now(struct writer *writer, struct ledger_job *first, int64_t *out_sequence,
		      struct err *err)
{
	bool was_written = write_again(writer, first, out_sequence, err);

	if (!writer->reserve || (!was_written && err->kind != ERR_UNAVAILABLE)) {
		note_write(writer, was_written, err);
		return was_written;
	}
	if (!was_written && reserve_spend(writer->reserve))
		was_written = write_batch(writer, first, out_sequence, err);
	note_write(writer, was_written, err);
	reserve_turn(writer->reserve, !was_written                           ? RESERVE_BATCH_FAILED
				      : catalog_has_changed(writer->catalog) ? RESERVE_BATCH_WRITTEN
									     : RESERVE_BATCH_EMPTY);
	return was_written;
}

void writer_tell(struct writer *writer, const struct projection_change *changes, size_t count,
		 int64_t sequence)
{
	if (sequence > writer->heard)
		writer->heard = sequence;
	feed_tell(writer->feed, changes, count, sequence);
}

/* All changes of one commit are told at once, and before its jobs are answered. */
static void tell_of(struct writer *writer, const struct ledger_job *jobs, int64_t sequence)
{
	size_t count = 0;

	if (!writer->feed)
		return;
	for (const struct ledger_job *job = jobs; job; job = job->next)
		if (job->change.what != 0)
			writer->changes[count++] = job->change;
	writer_tell(writer, writer->changes, count, sequence);
}

static void settle_all(struct ledger_job *jobs)
{
	for (struct ledger_job *job = jobs; job; job = job->next)
		if (job->settled)
			job->settled(job);
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
static bool write_together(struct writer *writer, struct ledger_job *jobs, struct err *err)
{
	int64_t sequence = 0;

	if (!writer_write_now(writer, jobs, &sequence, err))
		return false;
	tell_of(writer, jobs, sequence);
	settle_all(jobs);
	answer_all(jobs, true, sequence, NULL);
	return true;
}

static void write_one_by_one(struct writer *writer, struct ledger_job *jobs, struct err *err)
{
	while (jobs) {
		struct ledger_job *job = jobs;

		jobs = job->next;
		job->next = NULL;
		if (write_together(writer, job, err))
			continue;
		answer_all(job, false, 0, err);
		if (writer_is_cut_off(writer->catalog, err))
			answer_all(TAKE(jobs), false, 0, err);
	}
}

void writer_write(struct writer *writer, struct ledger_job *jobs)
{
	struct err err;

	writer->has_appended = false;
	if (write_together(writer, jobs, &err))
		return;
	if (jobs->next && !catalog_is_in_doubt(writer->catalog) &&
	    !writer_is_cut_off(writer->catalog, &err))
		write_one_by_one(writer, jobs, &err);
	else
		answer_all(jobs, false, 0, &err);
	if (writer_is_cut_off(writer->catalog, &err))
		ledger_queue_refuse(&writer->queue, &err);
}

/* ---- others ---- */

static void heard(struct turn_hearer *hearer, const struct projection_change *changes, size_t count,
		  int64_t sequence)
{
	struct writer *writer = container_of(hearer, struct writer, hearer);

	feed_tell(writer->feed, changes, count, sequence);
}

static void lost(struct turn_hearer *hearer, int64_t sequence)
{
	struct writer *writer = container_of(hearer, struct writer, hearer);

	log_warn(NULL, "the ledger has lost what it said was written: going on from change %lld",
		 (long long)sequence);
	feed_begin_anew(writer->feed, sequence);
}

/*
 * A batch hears as it begins.  One that could not begin has not, and nobody tells of those turns again before the pulse looks
 * anyway; but where no server is to be had, that looks as soon.
 */
bool writer_turn(struct writer *writer, struct ledger_job *jobs, bool has_news)
{
	struct err err;

	writer->is_behind |= has_news;
	if (jobs)
		writer_write(writer, jobs);
	if (!(jobs ? writer->is_behind && !catalog_is_cut_off(writer->catalog) : has_news) ||
	    hear(writer, &err))
		return false;
	log_debug(NULL, "cannot read what others have changed: %s", err.text);
	return err.kind == ERR_CONFLICT;
}

/* ---- life cycle ---- */

void writer_init(struct writer *writer)
{
	ledger_queue_init(&writer->queue);
	writer->hearer.heard = heard;
	writer->hearer.lost = lost;
}

void writer_release(struct writer *writer)
{
	catalog_free(writer->catalog);
	ledger_queue_release(&writer->queue);
}
