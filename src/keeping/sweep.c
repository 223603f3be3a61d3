#include "keeping/sweep.h"

#include "base/log.h"
#include "base/mem.h"
#include "catalog/projection_change.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Yields to every other thread of ours: a player or a webhook does not wait for a sweep. */
#define NICENESS 19
/* Failures that are told one by one in a round: many more say that the store is in trouble. */
#define TOLD_MAX 64

enum sweep_state {
	SWEEP_IDLE,    /* until it is woken, or the time has come */
	SWEEP_LISTING, /* a reader has the page */
	SWEEP_WORKING, /* a worker, or somebody on the loop, has an item */
	SWEEP_WRITING, /* the writer has the results */
};

struct sweep {
	const struct sweep_env *env;
	const struct sweep_table *table;
	enum sweep_state state;
	bool is_woken;        /* while it was not idle: another round */
	bool is_restarted;    /* the next round begins behind restart_after */
	bool is_held_up;      /* until the next round: the cursor stays */
	bool hold_up_is_told; /* since it last got on */
	int64_t restart_after;
	int64_t begin_after; /* where it begins when it comes back to what failed */
	int64_t cursor;      /* what is done with, or was passed over */
	int64_t told_to;     /* failures up to this place have been told */

	size_t failed;      /* up to the cursor, since it was last set back */
	size_t failed_told; /* as the log says */
	size_t told;        /* one by one in this round */
	int64_t retry_ms;   /* the next wait; 0: the first */

	struct timer begin; /* idle, and woken or held up */
	struct timer retry; /* some failed */
	struct timer pause; /* working: not yet the next item */
	int64_t woken_at_ms, next_item_at_ms;

	struct ledger_job list_job;
	struct sweep_page page;
	size_t begun, working, writing; /* items of the page */
	size_t page_failed;
	int64_t page_told_to;
	bool is_last;
	struct sweep_item *items[SWEEP_PAGE_MAX];
};

static void list_page(struct sweep *sweep);
static void begin_round(struct timer *timer);

/* ---- what fails ---- */

static void hold_up(struct sweep *sweep, const struct err *err)
{
	if (!sweep->hold_up_is_told)
		log_warn(NULL, "%s have to wait: %s", sweep->table->name, err->text);
	sweep->is_held_up = sweep->hold_up_is_told = true;
}

/* What is not the item's own fault holds up all of them. */
static void item_failed(struct sweep *sweep, const struct sweep_item *item, const struct err *err)
{
	if (err->kind == ERR_SCARCE || err->kind == ERR_UNAVAILABLE) {
		hold_up(sweep, err);
		return;
	}
	sweep->page_failed++;
	if (sweep->page_told_to < item->place)
		sweep->page_told_to = item->place;
	if (item->place > sweep->told_to && sweep->told++ < TOLD_MAX)
		log_error(NULL, "recording %s: %s: %s", item->recording_sid, sweep->table->failure,
			  err->text);
}

/* ---- rounds ---- */

static void retry_is_due(struct timer *timer)
{
	struct sweep *sweep = container_of(timer, struct sweep, retry);

	sweep_restart(sweep, sweep->begin_after);
}

static void plan_retry(struct sweep *sweep)
{
	const struct sweep_pace *pace = &sweep->table->pace;

	if (sweep->failed == 0)
		sweep->retry_ms = 0;
	if (sweep->failed > 0 && !timer_is_on(&sweep->retry)) {
		sweep->retry_ms = sweep->retry_ms == 0 ? pace->retry_first_ms : 2 * sweep->retry_ms;
		if (sweep->retry_ms > pace->retry_most_ms)
			sweep->retry_ms = pace->retry_most_ms;
		timer_start(sweep->env->loop, &sweep->retry, sweep->retry_ms, retry_is_due);
	}
	if (sweep->failed != sweep->failed_told)
		log_warn(NULL, "%s: %zu recordings are passed over, and tried again later",
			 sweep->table->name, sweep->failed);
	sweep->failed_told = sweep->failed;
}

static void end_round(struct sweep *sweep)
{
	sweep->state = SWEEP_IDLE;
	if (sweep->is_held_up) {
		timer_start(sweep->env->loop, &sweep->begin, sweep->table->pace.again_ms,
			    begin_round);
		return;
	}
	plan_retry(sweep);
	if (sweep->is_woken)
		sweep_wake(sweep);
}

static void begin_round(struct timer *timer)
{
	struct sweep *sweep = container_of(timer, struct sweep, begin);

	if (!ledger_has_duties(sweep->env->ledger)) {
		timer_start(sweep->env->loop, timer, LEDGER_DUTY_LOOK_MS, begin_round);
		return;
	}
	sweep->is_woken = sweep->is_held_up = false;
	sweep->told = 0;
	if (sweep->is_restarted) {
		sweep->is_restarted = false;
		sweep->cursor = sweep->restart_after;
		sweep->failed = 0;
	}
	list_page(sweep);
}

/* What is held up is listed again: of its failures those that were told are not told again. */
static void end_page(struct sweep *sweep)
{
	if (!sweep->is_held_up && sweep->page.count > 0) {
		sweep->hold_up_is_told = false;
		sweep->cursor = sweep->items[sweep->page.count - 1]->place;
		sweep->failed += sweep->page_failed;
	}
	if (sweep->told_to < sweep->page_told_to)
		sweep->told_to = sweep->page_told_to;
	if (sweep->is_held_up || sweep->is_last)
		end_round(sweep);
	else
		list_page(sweep);
}

/* ---- writing ---- */

static bool run_write(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct sweep_item *item = container_of(job, struct sweep_item, ledger_job);

	return item->sweep->table->write(item, catalog, err);
}

static void written(struct ledger_job *job)
{
	struct sweep_item *item = container_of(job, struct sweep_item, ledger_job);
	struct sweep *sweep = item->sweep;

	if (!job->succeeded && job->err.kind == ERR_NOT_FOUND)
		log_warn(NULL, "recording %s: %s: %s", item->recording_sid, sweep->table->failure,
			 job->err.text);
	else if (!job->succeeded && job->err.kind != ERR_CONFLICT)
		item_failed(sweep, item, &job->err);
	if (--sweep->writing == 0 && !sweep->env->is_stopping)
		end_page(sweep);
}

static void write_item(struct sweep *sweep, struct sweep_item *item)
{
	struct projection_change *change = &item->ledger_job.change;

	item->ledger_job = (struct ledger_job){ .run = run_write,
						.done = written,
						.reply = sweep->env->mailbox,
						.recording_sid = item->recording_sid };
	change->what = sweep->table->changes;
	memcpy(change->recording_sid, item->recording_sid, SID_SIZE);
	memcpy(change->call_sid, item->call_sid, SID_SIZE);
	sweep->writing++;
	ledger_write(sweep->env->ledger, &item->ledger_job);
}

/* What was worked on is written even where the rest of the page is held up. */
static void write_page(struct sweep *sweep)
{
	sweep->state = SWEEP_WRITING;
	for (size_t i = 0; i < sweep->begun; i++)
		if (sweep->items[i]->is_worked && sweep->table->write)
			write_item(sweep, sweep->items[i]);
	if (sweep->writing == 0)
		end_page(sweep);
}

/* ---- working ---- */

static void begin_items(struct sweep *sweep);

static void end_item(struct sweep_item *item)
{
	struct sweep *sweep = item->sweep;

	sweep->working--;
	if (sweep->env->is_stopping)
		return;
	if (!item->is_worked && item->err.kind != ERR_CONFLICT)
		item_failed(sweep, item, &item->err);
	begin_items(sweep);
}

void sweep_item_end(struct sweep_item *item, bool succeeded, const struct err *err)
{
	item->is_worked = succeeded;
	if (!succeeded)
		item->err = *err;
	end_item(item);
}

static void run_work(struct job *job)
{
	struct sweep_item *item = container_of(job, struct sweep_item, job);

	(void)setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread; where refused, as it is */
	item->is_worked = item->sweep->table->work(item, &item->err);
}

static void worked(struct job *job)
{
	end_item(container_of(job, struct sweep_item, job));
}

static void begin_item(struct sweep *sweep, struct sweep_item *item)
{
	const struct sweep_table *table = sweep->table;

	if (table->start) {
		sweep->working++;
		table->start(item);
	} else if (table->work) {
		sweep->working++;
		item->job = (struct job){ .run = run_work,
					  .done = worked,
					  .reply = sweep->env->mailbox };
		workers_post(sweep->env->workers, &item->job);
	} else {
		item->is_worked = true;
	}
}

static void pause_is_over(struct timer *timer)
{
	begin_items(container_of(timer, struct sweep, pause));
}

static void begin_items(struct sweep *sweep)
{
	int64_t now_ms = loop_now_ms(sweep->env->loop);

	while (sweep->begun < sweep->page.count && !sweep->is_held_up) {
		if (sweep->working > 0 && !sweep->table->start)
			return;
		if (timer_is_on(&sweep->pause))
			return;
		if (now_ms < sweep->next_item_at_ms) {
			timer_start(sweep->env->loop, &sweep->pause,
				    sweep->next_item_at_ms - now_ms, pause_is_over);
			return;
		}
		sweep->next_item_at_ms = now_ms + sweep->table->pace.item_ms;
		begin_item(sweep, sweep->items[sweep->begun++]);
	}
	if (sweep->working > 0)
		return;
	timer_stop(&sweep->pause);
	write_page(sweep);
}

/* ---- listing ---- */

struct sweep_item *sweep_page_add(struct sweep_page *page)
{
	assert(page->count < page->size);
	return page->items[page->count++];
}

static bool run_list(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct sweep *sweep = container_of(job, struct sweep, list_job);

	return sweep->table->list(&sweep->page, catalog, err);
}

static void listed(struct ledger_job *job)
{
	struct sweep *sweep = container_of(job, struct sweep, list_job);

	if (sweep->env->is_stopping)
		return;
	if (!job->succeeded) {
		sweep->page.count = 0;
		hold_up(sweep, &job->err);
	}
	sweep->is_last = sweep->page.count < sweep->page.size;
	sweep->state = SWEEP_WORKING;
	begin_items(sweep);
}

static void list_page(struct sweep *sweep)
{
	sweep->state = SWEEP_LISTING;
	sweep->begun = sweep->page_failed = 0;
	sweep->page_told_to = 0;
	for (size_t i = 0; i < sweep->table->page_size; i++) {
		memset(sweep->items[i], 0, sweep->table->item_size);
		sweep->items[i]->env = sweep->env;
		sweep->items[i]->sweep = sweep;
	}
	sweep->page = (struct sweep_page){ .after = sweep->cursor,
					   .size = sweep->table->page_size,
					   .items = sweep->items };
	sweep->list_job = (struct ledger_job){ .run = run_list,
					       .done = listed,
					       .reply = sweep->env->mailbox };
	ledger_read(sweep->env->ledger, &sweep->list_job);
}

/* ---- what wakes it ---- */

void sweep_wake(struct sweep *sweep)
{
	const struct sweep_pace *pace = &sweep->table->pace;
	int64_t now_ms = loop_now_ms(sweep->env->loop), wait_ms = pace->quiet_ms;

	if (sweep->env->is_stopping)
		return;
	if (sweep->state != SWEEP_IDLE) {
		sweep->is_woken = true;
		return;
	}
	if (sweep->is_held_up) /* and begins by itself */
		return;
	if (!timer_is_on(&sweep->begin))
		sweep->woken_at_ms = now_ms;
	if (now_ms + wait_ms > sweep->woken_at_ms + pace->wait_most_ms)
		wait_ms = sweep->woken_at_ms + pace->wait_most_ms - now_ms;
	timer_start(sweep->env->loop, &sweep->begin, wait_ms > 0 ? wait_ms : 0, begin_round);
}

void sweep_changed(struct sweep *sweep, unsigned what)
{
	const struct sweep_table *table = sweep->table;
	bool is_missed = what & PROJECTED_ALL; /* it may have been any of them */

	if (what & table->restarted_by || (is_missed && table->restarted_by))
		sweep_restart(sweep, sweep->begin_after);
	else if (what & table->woken_by || is_missed)
		sweep_wake(sweep);
}

void sweep_restart(struct sweep *sweep, int64_t after)
{
	sweep->is_restarted = true;
	sweep->restart_after = after;
	sweep_wake(sweep);
}

void sweep_begin_behind(struct sweep *sweep, int64_t after)
{
	sweep->begin_after = after;
	sweep_restart(sweep, after);
}

/* ---- life cycle ---- */

struct sweep *sweep_new(const struct sweep_env *env, const struct sweep_table *table)
{
	struct sweep *sweep = xcalloc(1, sizeof(*sweep));

	assert(table->page_size > 0 && table->page_size <= SWEEP_PAGE_MAX);
	assert(table->item_size >= sizeof(struct sweep_item));
	sweep->env = env;
	sweep->table = table;
	for (size_t i = 0; i < table->page_size; i++)
		sweep->items[i] = xcalloc(1, table->item_size);
	return sweep;
}

void sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	timer_stop(&sweep->begin);
	timer_stop(&sweep->retry);
	timer_stop(&sweep->pause);
	for (size_t i = 0; i < sweep->table->page_size; i++)
		free(sweep->items[i]);
	free(sweep);
}
