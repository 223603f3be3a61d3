#include "dispatch/recovery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "catalog/processes.h"
#include "catalog/recordings_queue.h"
#include "dispatch/scheduler.h"
#include "event/loop.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "retention/retention.h"

#include <stdlib.h>

#define PAGE 500 /* recordings read at once: a reader is not held up long */

#define CLOCK_MS INT64_C(5000)  /* between two looks whether the clock was set */
#define SET_MS   INT64_C(60000) /* by less, and it is drift */

struct recovery {
	struct ledger_job job;
	const struct flight_env *env;
	struct scheduler *scheduler;
	int64_t after_id;
	size_t count; /* of the page */
	struct queue_expired page[PAGE];
	size_t young_count; /* of them, those that are kept longer now */
	char young[PAGE][SID_SIZE];
	size_t revived;
	struct catalog_counts counts;
	bool is_reading, is_wanted; /* a pass is under way; and one more */
	bool has_told;
	bool has_failed; /* the last pass: one more, once the ledger answers */
	struct timer timer;
	int64_t apart_ms; /* the wall clock from one that counts on, as a pass began */
};

struct closing {
	struct ledger_job job;
	int64_t count;
};

static bool run_close(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct closing *closing = container_of(job, struct closing, job);

	/* Those of processes that live are theirs. */
	return attempts_close_open(
		catalog, catalog_process(catalog) != 0 ? ATTEMPTS_OF_THE_DEAD : ATTEMPTS_OF_ALL, 0,
		clock_wall_ms(), &closing->count, err);
}

/* The files first: a full disk has room again. */
bool recovery_clean(struct ledger *ledger, struct blob_store *store, struct err *err)
{
	struct closing closing = { .job.run = run_close };
	uint64_t removed = 0;

	if (!blob_sweep_arriving(store, &removed, err) ||
	    !ledger_write_now(ledger, &closing.job, err))
		return err_context(err, "cleaning up after the last run");
	if (closing.count > 0 || removed > 0)
		log_info(
			NULL,
			"the last run left %lld attempts and %llu files unfinished: fetching them anew",
			(long long)closing.count, (unsigned long long)removed);
	return true;
}

static bool run_page(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct recovery *recovery = container_of(job, struct recovery, job);

	return queue_expired(catalog, recovery->after_id, recovery->page, PAGE, &recovery->count,
			     err) &&
	       catalog_counts(catalog, &recovery->counts, err);
}

static bool run_revive(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct recovery *recovery = container_of(job, struct recovery, job);

	for (size_t i = 0; i < recovery->young_count; i++)
		if (!queue_revive(catalog, str_of(recovery->young[i]), clock_wall_ms(), err) &&
		    err->kind != ERR_CONFLICT && err->kind != ERR_NOT_FOUND)
			return false;
	return true;
}

static void page_done(struct ledger_job *job);

static void read_page(struct recovery *recovery)
{
	recovery->job = (struct ledger_job){ .run = run_page,
					     .done = page_done,
					     .reply = recovery->env->mailbox };
	ledger_read(recovery->env->ledger, &recovery->job);
}

static void end_pass(struct recovery *recovery)
{
	recovery->is_reading = false;
	if (recovery->is_wanted)
		recovery_look(recovery);
}

static void fail(struct recovery *recovery, const char *what, const struct err *err)
{
	if (!recovery->has_failed)
		log_warn(NULL, "cannot %s, and try again: %s", what, err->text);
	recovery->has_failed = true;
	end_pass(recovery);
}

static void end_page(struct recovery *recovery)
{
	if (recovery->count == PAGE) {
		read_page(recovery);
		return;
	}
	recovery->has_failed = false;
	if (recovery->revived > 0)
		log_info(NULL, "%zu recordings that had expired are not too old now: fetching them",
			 recovery->revived);
	end_pass(recovery);
}

static void revived(struct ledger_job *job)
{
	struct recovery *recovery = container_of(job, struct recovery, job);

	if (!job->succeeded) {
		fail(recovery, "queue what had expired", &job->err);
		return;
	}
	recovery->revived += recovery->young_count;
	scheduler_wake(recovery->scheduler);
	end_page(recovery);
}

static void revive(struct recovery *recovery)
{
	recovery->job = (struct ledger_job){ .run = run_revive,
					     .done = revived,
					     .reply = recovery->env->mailbox };
	ledger_write(recovery->env->ledger, &recovery->job);
}

static void tell(const struct recovery *recovery)
{
	int64_t left = recovery->counts.recordings[RECORDING_QUEUED] +
		       recovery->counts.recordings[RECORDING_WAITING];

	if (left > 0)
		log_info(NULL, "%lld recordings are still to be fetched", (long long)left);
}

static void page_done(struct ledger_job *job)
{
	struct recovery *recovery = container_of(job, struct recovery, job);

	if (!job->succeeded) {
		fail(recovery, "read what has expired", &job->err);
		return;
	}
	if (!recovery->has_told)
		tell(recovery);
	recovery->has_told = true;
	recovery->young_count = 0;
	for (size_t i = 0; i < recovery->count; i++) {
		const struct queue_expired *row = &recovery->page[i];

		recovery->after_id = row->id;
		/* It was too old to be fetched; is it still, now that perhaps recordings are kept longer? */
		if (!retention_is_over(recovery->env->options.retention, &row->kept,
				       clock_wall_ms()))
			memcpy(recovery->young[recovery->young_count++], row->recording_sid,
			       SID_SIZE);
	}
	if (recovery->young_count > 0)
		revive(recovery);
	else
		end_page(recovery);
}

/* ---- once more ---- */

static int64_t clocks_apart_ms(void)
{
	return clock_wall_ms() - clock_boot_ms();
}

void recovery_look(struct recovery *recovery)
{
	recovery->is_wanted = recovery->is_reading;
	if (recovery->is_reading)
		return;
	recovery->is_reading = true;
	recovery->after_id = 0;
	recovery->revived = 0;
	recovery->apart_ms = clocks_apart_ms();
	read_page(recovery);
}

/* By a clock that was ahead everything was too old; now that it is set right, most of it is not. */
static void look_at_clock(struct timer *timer)
{
	struct recovery *recovery = container_of(timer, struct recovery, timer);
	int64_t moved_ms = clocks_apart_ms() - recovery->apart_ms;

	timer_start(recovery->env->loop, timer, CLOCK_MS, look_at_clock);
	if (recovery->has_failed) {
		recovery_look(recovery);
		return;
	}
	if (moved_ms <= SET_MS && moved_ms >= -SET_MS)
		return;
	log_info(NULL, "the clock was set by %lld s: looking again at what had expired",
		 (long long)(moved_ms / 1000));
	recovery_look(recovery);
}

struct recovery *recovery_start(const struct flight_env *env, struct scheduler *scheduler)
{
	struct recovery *recovery = xcalloc(1, sizeof(*recovery));

	recovery->env = env;
	recovery->scheduler = scheduler;
	recovery_look(recovery);
	timer_start(env->loop, &recovery->timer, CLOCK_MS, look_at_clock);
	return recovery;
}

void recovery_free(struct recovery *recovery)
{
	if (!recovery)
		return;
	timer_stop(&recovery->timer);
	free(recovery);
}
