#include "purge/purge.h"

#include "accounts/audit.h"
#include "audit/audit_trail.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "catalog/recordings.h"
#include "catalog/removals.h"
#include "chores/removals_due.h"
#include "chores/upkeep.h"
#include "ledger/ledger.h"
#include "purge/clock_guard.h"
#include "purge/purge_pause.h"
#include "retention/retention.h"

#include <string.h>

/* ---- the ranges ---- */

/* One after the other: of each account, each direction, whatever we know of Twilio's copy. */
struct walk {
	struct age_range range;
	bool is_begun;
};

static bool next_range(struct walk *walk, struct catalog *catalog, bool *out_found, struct err *err)
{
	struct age_range *range = &walk->range;

	*out_found = true;
	if (!walk->is_begun) {
		walk->is_begun = true;
		return true;
	}
	if (++range->copy < UPSTREAM_COPIES)
		return true;
	range->copy = 0;
	if (++range->way < RETENTION_WAYS)
		return true;
	range->way = 0;
	return ages_next_account(catalog, range->account_sid, range->account_sid, out_found, err);
}

static int64_t keep_ms(const struct retention_rules *rules, const struct age_range *range)
{
	return retention_add_ms(retention_ms(rules, range->account_sid, range->way),
				rules->grace_ms);
}

/* The sooner of the two; 0 is never. */
static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* When the oldest of the range is due; 0: none is in sight. */
static bool due_at(struct catalog *catalog, const struct age_range *range, int64_t ms,
		   int64_t *out_ms, struct err *err)
{
	int64_t oldest_ms, at_ms;

	*out_ms = 0;
	if (ms == RETENTION_FOREVER)
		return true;
	if (!ages_oldest(catalog, range, &oldest_ms, err))
		return false;
	at_ms = oldest_ms == 0 ? RETENTION_NEVER : retention_add_ms(oldest_ms, ms);
	*out_ms = at_ms == RETENTION_NEVER ? 0 : at_ms + 1;
	return true;
}

bool purge_list(const struct purge_env *env, struct catalog *catalog, int64_t now_ms,
		struct age_row *out, size_t size, size_t *out_count, int64_t *out_next_at_ms,
		struct err *err)
{
	const struct retention_rules *rules = retention_now(env->retention);
	struct walk walk = { .is_begun = false };
	size_t count = 0;
	bool found;

	*out_count = 0;
	*out_next_at_ms = 0;
	while (count < size) {
		int64_t ms, at_ms;
		size_t more;

		if (!next_range(&walk, catalog, &found, err))
			return false;
		if (!found)
			break;
		ms = keep_ms(rules, &walk.range);
		if (!ages_list(catalog, &walk.range, AGE_START, retention_edge_ms(now_ms, ms),
			       out + count, size - count, &more, err) ||
		    (more == 0 && !due_at(catalog, &walk.range, ms, &at_ms, err)))
			return false;
		if (more == 0)
			*out_next_at_ms = sooner(*out_next_at_ms, at_ms);
		count += more;
	}
	*out_count = count;
	return true;
}

/* ---- the preview ---- */

/* Into its place; the youngest falls out where there is no room. */
static void show(struct purge_preview *preview, const struct age_row *row)
{
	size_t at = preview->first_count;

	while (at > 0 && row->kept.started_at_ms < preview->first[at - 1].kept.started_at_ms)
		at--;
	if (at == PURGE_SHOWN)
		return;
	if (preview->first_count < PURGE_SHOWN)
		preview->first_count++;
	memmove(&preview->first[at + 1], &preview->first[at],
		(preview->first_count - 1 - at) * sizeof(*row));
	preview->first[at] = *row;
}

static bool look_at_range(struct purge_preview *preview, struct catalog *catalog,
			  const struct age_range *range, int64_t ms, struct err *err)
{
	int64_t before_ms = retention_edge_ms(preview->now_ms, ms), at_ms = 0;
	struct age_row rows[PURGE_SHOWN];
	size_t count;

	if (!ages_list(catalog, range, AGE_START, before_ms, rows, PURGE_SHOWN, &count, err) ||
	    (count > 0 &&
	     !ages_sum(catalog, range, before_ms, &preview->count, &preview->bytes, err)) ||
	    (count == 0 && !due_at(catalog, range, ms, &at_ms, err)))
		return false;
	for (size_t i = 0; i < count; i++)
		show(preview, &rows[i]);
	preview->next_at_ms = sooner(preview->next_at_ms, at_ms);
	return true;
}

bool purge_look(const struct purge_env *env, struct catalog *catalog, struct purge_preview *out,
		struct err *err)
{
	const struct retention_rules *rules = retention_now(env->retention);
	struct walk walk = { .is_begun = false };
	bool found;

	*out = (struct purge_preview){ .now_ms = clock_wall_ms() };
	if (clock_guard_now(env->guard, &out->now_ms, &out->clock))
		out->clock.text[0] = '\0';
	if (!upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &out->pause, err) ||
	    !removals_are_due(catalog, &out->has_files, err))
		return false;
	while (next_range(&walk, catalog, &found, err)) {
		if (!found)
			return true;
		if (!look_at_range(out, catalog, &walk.range, keep_ms(rules, &walk.range), err))
			return false;
	}
	return false;
}

/* ---- one ---- */

static bool enter(const struct purge_env *env, struct catalog *catalog,
		  const struct recording *recording, struct err *err)
{
	AUTO(free) struct audit_entry *entry = xcalloc(1, sizeof(*entry));
	struct json json;
	struct buf body;

	str_fit(STR("recording_purged"), entry->kind, sizeof(entry->kind));
	memcpy(entry->recording_sid, recording->recording_sid, SID_SIZE);
	buf_over(&body, entry->body, sizeof(entry->body));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_date(&json, "started_at", recording->started_at_ms);
	json_int(&json, "size", (int64_t)recording->size);
	json_close(&json, '}');
	return audit_trail_write(env->trail, catalog, entry, err);
}

bool purge_may_remove(const struct purge_env *env, struct catalog *catalog, int64_t *out_ms,
		      struct err *err)
{
	return clock_guard_now(env->guard, out_ms, err) &&
	       purge_pause_check(catalog, env->guard, err);
}

bool purge_one(const struct purge_env *env, struct catalog *catalog, const char *recording_sid,
	       struct projection_change *out_change, struct err *err)
{
	AUTO(free) struct recording *recording = xcalloc(1, sizeof(*recording));
	struct kept kept;
	int64_t now_ms;

	if (!purge_may_remove(env, catalog, &now_ms, err) ||
	    !recordings_find(catalog, str_of(recording_sid), recording, err))
		return false;
	kept = recording_kept(recording);
	if (recording_is_removed(recording->state) || recording->stored_at_ms == 0 ||
	    !retention_is_over(env->retention, &kept, now_ms))
		return err_set(err, ERR_CONFLICT, "it is kept");
	if (!recordings_mark_purged(catalog, str_of(recording_sid), now_ms, err) ||
	    !enter(env, catalog, recording, err))
		return false;
	*out_change = (struct projection_change){ .what = PROJECTED_RECORDING | PROJECTED_REMOVED };
	memcpy(out_change->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(out_change->call_sid, recording->call_sid, SID_SIZE);
	memcpy(out_change->account_sid, recording->account_sid, SID_SIZE);
	return true;
}

/* ---- all ---- */

static void list_page(struct purge_run *run);

/* That it was done, and whether the clock was right. */
static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct purge_run *run = container_of(job, struct purge_run, job);
	const struct upkeep row = { .at_ms = clock_wall_ms(), .count = run->purged };

	return clock_guard_keep(run->env->guard, catalog, err) &&
	       purge_pause_count(catalog, run->env->guard, err) &&
	       (run->purged == 0 || upkeep_set(catalog, UPKEEP_PURGE, &row, err));
}

static void ended(struct ledger_job *job)
{
	struct purge_run *run = container_of(job, struct purge_run, job);

	if (!job->succeeded && run->err.text[0] == '\0')
		run->err = job->err;
	run->done(run);
}

static void end(struct purge_run *run)
{
	run->job = (struct ledger_job){ .run = run_end, .done = ended, .reply = run->mailbox };
	ledger_write(run->env->ledger, &run->job);
}

static bool run_item(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct purge_item *item = container_of(job, struct purge_item, job);

	return purge_one(item->run->env, catalog, item->row.recording_sid, &job->change, err);
}

/* A page of which nothing went would be the same the next time. */
static void end_page(struct purge_run *run)
{
	if (run->is_stopping || run->page_purged == 0)
		end(run);
	else
		list_page(run);
}

static void item_done(struct ledger_job *job)
{
	struct purge_item *item = container_of(job, struct purge_item, job);
	struct purge_run *run = item->run;

	if (job->succeeded) {
		run->purged++;
		run->page_purged++;
		run->bytes += item->row.size;
	} else if (job->err.kind == ERR_CONFLICT || job->err.kind == ERR_NOT_FOUND) {
		run->page_purged++; /* it is due no longer */
	} else {
		run->failed++;
		run->err = job->err;
	}
	if (--run->waiting == 0)
		end_page(run);
}

/* A clock that is not believed, and a pause, say nothing where nothing is due. */
static bool run_list(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct purge_run *run = container_of(job, struct purge_run, job);
	struct err doubt;
	bool may_remove;

	run->now_ms = clock_wall_ms();
	may_remove = purge_may_remove(run->env, catalog, &run->now_ms, &doubt);
	if (!may_remove && doubt.kind != ERR_UNAVAILABLE) {
		*err = doubt;
		return false;
	}
	if (!purge_list(run->env, catalog, run->now_ms, run->rows, PURGE_PAGE, &run->count,
			&run->next_at_ms, err))
		return false;
	/* No failure of the job: the ledger was read. */
	if (!may_remove && run->count > 0) {
		run->err = doubt;
		run->is_paused = clock_guard_now(run->env->guard, &run->now_ms, &doubt);
		run->count = 0;
	}
	return true;
}

static void listed(struct ledger_job *job)
{
	struct purge_run *run = container_of(job, struct purge_run, job);

	if (!job->succeeded) {
		run->err = job->err;
		end(run);
		return;
	}
	run->page_purged = 0;
	if (run->count == 0) {
		end(run);
		return;
	}
	run->waiting = run->count;
	for (size_t i = 0; i < run->count; i++) {
		struct purge_item *item = &run->items[i];

		item->run = run;
		item->row = run->rows[i];
		item->job = (struct ledger_job){ .run = run_item,
						 .done = item_done,
						 .reply = run->mailbox };
		ledger_write(run->env->ledger, &item->job);
	}
}

static void list_page(struct purge_run *run)
{
	run->job = (struct ledger_job){ .run = run_list, .done = listed, .reply = run->mailbox };
	ledger_read(run->env->ledger, &run->job);
}

void purge_run_start(struct purge_run *run)
{
	run->purged = run->failed = run->next_at_ms = run->now_ms = 0;
	run->is_paused = false;
	run->bytes = 0;
	run->err.text[0] = '\0';
	list_page(run);
}
