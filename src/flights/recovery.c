#include "flights/recovery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/attempts.h"
#include "catalog/recordings.h"
#include "flights/flight_env.h"
#include "flights/scheduler.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define PAGE 500 /* recordings read at once: a reader is not held up long */

struct recovery {
	struct ledger_job job;
	const struct flight_env *env;
	struct scheduler *scheduler;
	struct recording_queue_cursor cursor;
	size_t count, total;
	struct recording_queued page[PAGE];
};

bool recovery_clean(struct catalog *catalog, struct blob_store *store, struct err *err)
{
	uint64_t removed = 0;
	int64_t closed = 0;

	if (!catalog_begin(catalog, err))
		return false;
	if (!attempts_close_open(catalog, clock_wall_ms(), &closed, err)) {
		catalog_rollback(catalog);
		return false;
	}
	if (!catalog_commit(catalog, err) || !blob_sweep_arriving(store, &removed, err))
		return err_context(err, "cleaning up after the last run");
	if (closed > 0 || removed > 0)
		log_info(
			NULL,
			"the last run left %lld attempts and %llu files unfinished: fetching them anew",
			(long long)closed, (unsigned long long)removed);
	return true;
}

static bool run_page(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct recovery *recovery = container_of(job, struct recovery, job);

	return recordings_queue(catalog, &recovery->cursor, recovery->page, PAGE, &recovery->count,
				err);
}

/* It was too old to be fetched; is it still, now that perhaps recordings are kept longer? */
static void revive(struct recovery *recovery, const struct recording_queued *queued, int64_t now_ms)
{
	if (now_ms - queued->started_at_ms > recovery->env->options.too_old_ms)
		return;
	recovery->total++;
	scheduler_add(recovery->scheduler, queued->recording_sid, queued->call_sid,
		      queued->account_sid, FLIGHT_BACKFILL, 0);
}

static void page_done(struct ledger_job *job)
{
	struct recovery *recovery = container_of(job, struct recovery, job);
	int64_t now_ms = clock_wall_ms();

	if (!job->succeeded) {
		log_error(NULL, "cannot read the queue that the last run left: %s", job->err.text);
		return;
	}
	for (size_t i = 0; i < recovery->count; i++) {
		const struct recording_queued *queued = &recovery->page[i];

		if (queued->next_try_at_ms == RECORDING_NEVER) {
			revive(recovery, queued, now_ms);
			continue;
		}
		recovery->total++;
		scheduler_add(recovery->scheduler, queued->recording_sid, queued->call_sid,
			      queued->account_sid, FLIGHT_NEW,
			      queued->next_try_at_ms > now_ms ? queued->next_try_at_ms - now_ms
							      : 0);
	}
	if (recovery->count == PAGE)
		ledger_read(recovery->env->ledger, job);
	else if (recovery->total > 0)
		log_info(NULL, "%zu recordings are still to be fetched", recovery->total);
}

struct recovery *recovery_start(const struct flight_env *env, struct scheduler *scheduler)
{
	struct recovery *recovery = xcalloc(1, sizeof(*recovery));

	recovery->env = env;
	recovery->scheduler = scheduler;
	recovery->job =
		(struct ledger_job){ .run = run_page, .done = page_done, .reply = env->mailbox };
	ledger_read(env->ledger, &recovery->job);
	return recovery;
}

void recovery_free(struct recovery *recovery)
{
	free(recovery);
}
