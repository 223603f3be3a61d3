#include "keeping/cache_upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "chores/verifications.h"
#include "event/loop.h"
#include "event/workers.h"
#include "keeping/sweep.h"
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS  256
#define AT_ONCE  32    /* that a reader is asked about: others wait for it */
#define AGAIN_MS 60000 /* where the ledger did not answer */
/* Where a folder could not be read: it may stay so for long, and each look goes through all of them. */
#define UNREAD_AGAIN_MS 3600000

struct cache_upkeep {
	struct sweep_env *env;
	struct timer timer;

	/* The comparison that is under way, a folder at a time. */
	bool is_comparing, is_wanted; /* wanted: once more, from the first */
	bool had_gap, doubts; /* something may have been removed unheard; as a folder's job began */
	bool was_unread;      /* a folder, this time */
	int64_t since_ms;     /* wall clock: as it began */
	unsigned folder;
	struct blob_folder names; /* of this folder */
	bool *is_stale;           /* of each */
	size_t looked_at;         /* so many of them */
	uint64_t dropped;
	struct job job;
	struct ledger_job ledger_job;
};

/* ---- what was removed ---- */

/* Its own owner once it is posted. */
struct dropping {
	struct job job;
	struct blob_store *store;
	char call_sid[SID_SIZE], recording_sid[SID_SIZE];
};

static void run_drop(struct job *job)
{
	AUTO(free) struct dropping *dropping = container_of(job, struct dropping, job);

	blob_here_forget(dropping->store, str_of(dropping->call_sid),
			 str_of(dropping->recording_sid));
}

static void compare_all(struct cache_upkeep *upkeep);

void cache_upkeep_changed(struct cache_upkeep *upkeep, const struct projection_change *change)
{
	struct dropping *dropping;

	if (upkeep->env->is_stopping || !blob_has_here(upkeep->env->store))
		return;
	if (change->what & PROJECTED_ALL) {
		upkeep->had_gap = true;
		compare_all(upkeep);
		return;
	}
	if (!(change->what & PROJECTED_REMOVED) || change->recording_sid[0] == '\0')
		return;
	dropping = xcalloc(1, sizeof(*dropping));
	dropping->store = upkeep->env->store;
	memcpy(dropping->call_sid, change->call_sid, SID_SIZE);
	memcpy(dropping->recording_sid, change->recording_sid, SID_SIZE);
	dropping->job.run = run_drop;
	workers_post(upkeep->env->workers, &dropping->job);
}

/* ---- comparing ---- */

static void walk_folder(struct cache_upkeep *upkeep);

static void clear_folder(struct cache_upkeep *upkeep)
{
	blob_folder_release(&upkeep->names);
	free(TAKE(upkeep->is_stale));
}

static void again_due(struct timer *timer)
{
	compare_all(container_of(timer, struct cache_upkeep, timer));
}

/* again_ms: 0 for never. */
static void end_comparing(struct cache_upkeep *upkeep, uint64_t again_ms)
{
	clear_folder(upkeep);
	upkeep->is_comparing = false;
	if (upkeep->dropped > 0)
		log_info(NULL,
			 "%" PRIu64
			 " files of the cache are removed: the ledger does not name them",
			 upkeep->dropped);
	if (upkeep->env->is_stopping)
		return;
	if (upkeep->is_wanted) {
		compare_all(upkeep);
		return;
	}
	if (again_ms > 0) {
		timer_start(upkeep->env->loop, &upkeep->timer, again_ms, again_due);
		return;
	}
	upkeep->had_gap = false;
}

static void next_folder(struct cache_upkeep *upkeep)
{
	clear_folder(upkeep);
	if (++upkeep->folder < FOLDERS && !upkeep->env->is_stopping && !upkeep->is_wanted)
		walk_folder(upkeep);
	else
		end_comparing(upkeep, upkeep->was_unread ? UNREAD_AGAIN_MS : 0);
}

static void run_clear(struct job *job)
{
	struct cache_upkeep *upkeep = container_of(job, struct cache_upkeep, job);

	for (size_t i = 0; i < upkeep->names.count; i++) {
		if (!upkeep->is_stale[i])
			continue;
		blob_here_drop(upkeep->env->store, str_of(upkeep->names.names[i]));
		upkeep->dropped++;
	}
}

static void cleared(struct job *job)
{
	next_folder(container_of(job, struct cache_upkeep, job));
}

static bool look_at(const struct cache_upkeep *upkeep, struct catalog *catalog, const char *name,
		    struct recording *room, bool *out_is_stale, struct err *err)
{
	struct blob_name parts;
	enum store_file found;

	*out_is_stale = false;
	if (!blob_name_parse(str_of(name), &parts)) /* nothing of ours */
		return true;
	if (!recordings_find(catalog, parts.recording_sid, room, err)) {
		*out_is_stale = err->kind == ERR_NOT_FOUND;
		return *out_is_stale;
	}
	/* What is put lies here before the ledger names it. */
	if (!store_file_find(catalog, parts.recording_sid, name, upkeep->since_ms, &found, err))
		return false;
	*out_is_stale = recording_is_removed(room->state) || found == STORE_FILE_OLD;
	return true;
}

static size_t end_of_look(const struct cache_upkeep *upkeep)
{
	size_t end = upkeep->looked_at + AT_ONCE;

	return end < upkeep->names.count ? end : upkeep->names.count;
}

static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct cache_upkeep *upkeep = container_of(job, struct cache_upkeep, ledger_job);
	AUTO(free) struct recording *room = xcalloc(1, sizeof(*room));

	for (size_t i = upkeep->looked_at; i < end_of_look(upkeep); i++)
		if (!look_at(upkeep, catalog, upkeep->names.names[i], room, &upkeep->is_stale[i],
			     err))
			return false;
	return true;
}

static void look_on(struct cache_upkeep *upkeep);

static void looked(struct ledger_job *job)
{
	struct cache_upkeep *upkeep = container_of(job, struct cache_upkeep, ledger_job);

	if (upkeep->env->is_stopping || !job->succeeded) {
		end_comparing(upkeep, AGAIN_MS);
		return;
	}
	upkeep->looked_at = end_of_look(upkeep);
	if (upkeep->looked_at < upkeep->names.count) {
		look_on(upkeep);
		return;
	}
	upkeep->job =
		(struct job){ .run = run_clear, .done = cleared, .reply = upkeep->env->mailbox };
	workers_post(upkeep->env->workers, &upkeep->job);
}

static void look_on(struct cache_upkeep *upkeep)
{
	upkeep->ledger_job = (struct ledger_job){ .run = run_look,
						  .done = looked,
						  .reply = upkeep->env->mailbox };
	ledger_read(upkeep->env->ledger, &upkeep->ledger_job);
}

static void run_walk(struct job *job)
{
	struct cache_upkeep *upkeep = container_of(job, struct cache_upkeep, job);
	char folder[3];
	struct err err;

	snprintf(folder, sizeof(folder), "%02x", upkeep->folder & 0xff);
	/* What was removed unheard may be coming: it is in no list yet, and would be here behind it. */
	if (upkeep->doubts)
		blob_here_doubt(upkeep->env->store, str_of(folder));
	if (!blob_here_walk(upkeep->env->store, str_of(folder), &upkeep->names, &err)) {
		upkeep->was_unread = true;
		log_warn(NULL, "a folder of the cache cannot be compared with the ledger: %s",
			 err.text);
	}
}

static void walked(struct job *job)
{
	struct cache_upkeep *upkeep = container_of(job, struct cache_upkeep, job);

	if (upkeep->env->is_stopping || upkeep->names.count == 0) {
		next_folder(upkeep);
		return;
	}
	upkeep->is_stale = xcalloc(upkeep->names.count, sizeof(*upkeep->is_stale));
	upkeep->looked_at = 0;
	look_on(upkeep);
}

static void walk_folder(struct cache_upkeep *upkeep)
{
	upkeep->doubts = upkeep->had_gap;
	upkeep->job =
		(struct job){ .run = run_walk, .done = walked, .reply = upkeep->env->mailbox };
	workers_post(upkeep->env->workers, &upkeep->job);
}

static void compare_all(struct cache_upkeep *upkeep)
{
	upkeep->is_wanted = upkeep->is_comparing;
	if (upkeep->is_comparing)
		return;
	timer_stop(&upkeep->timer);
	upkeep->is_comparing = true;
	upkeep->folder = 0;
	upkeep->dropped = 0;
	upkeep->was_unread = false;
	upkeep->since_ms = clock_wall_ms();
	walk_folder(upkeep);
}

void cache_upkeep_start(struct cache_upkeep *upkeep)
{
	if (blob_has_here(upkeep->env->store))
		compare_all(upkeep);
}

/* ---- life cycle ---- */

struct cache_upkeep *cache_upkeep_new(struct sweep_env *env)
{
	struct cache_upkeep *upkeep = xcalloc(1, sizeof(*upkeep));

	upkeep->env = env;
	return upkeep;
}

void cache_upkeep_free(struct cache_upkeep *upkeep)
{
	if (!upkeep)
		return;
	timer_stop(&upkeep->timer);
	clear_folder(upkeep);
	free(upkeep);
}
