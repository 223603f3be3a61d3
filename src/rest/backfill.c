#include "rest/backfill.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "chores/imports.h"
#include "chores/reconciliations.h"
#include "event/loop.h"
#include "ledger/ledger.h"
#include "rest/list_walk.h"
#include "rest/rest_env.h"
#include "twilio/accounts.h"

#include <stdio.h>
#include <string.h>

#define RETRY_FIRST_MS 5000
#define IDLE_MS        60000 /* who asks and is gone before it is written wakes nobody */
#define RETRY_MOST_MS  INT64_C(900000)

struct backfill {
	const struct rest_env *env;
	int64_t keep_ms;
	struct timer timer;
	size_t account;  /* is looked at, or walked */
	bool is_busy;    /* a job or a walk is under way */
	bool is_woken;   /* meanwhile: looked again from the first account on */
	unsigned failed; /* of this round, accounts */
	int64_t retry_ms;
	struct import row;   /* of the account, as the ledger has it */
	struct import start; /* what was counted before this walk */
	struct list_walk walk;
	struct ledger_job job;
};

static void look(struct timer *timer);

static void look_in(struct backfill *backfill, int64_t wait_ms)
{
	timer_start(backfill->env->loop, &backfill->timer, wait_ms, look);
}

/* ---- what is asked ---- */

/* 0 is the beginning of all time as a lower bound, and its end as an upper one. */
static bool covers(const struct import *row, const struct import *asked)
{
	return row->since_ms <= asked->since_ms &&
	       (row->before_ms == 0 ||
		(asked->before_ms != 0 && asked->before_ms <= row->before_ms));
}

enum backfill_merge backfill_merge(const struct import *row, const struct import *asked,
				   struct import *out)
{
	bool is_under_way = row->asked_at_ms != 0 && row->completed_at_ms == 0;

	if (is_under_way && covers(row, asked))
		return BACKFILL_GOES_ON;
	*out = (struct import){ .since_ms = asked->since_ms,
				.before_ms = asked->before_ms,
				.asked_at_ms = asked->asked_at_ms };
	memcpy(out->account_sid, row->account_sid, SID_SIZE);
	if (!is_under_way)
		return BACKFILL_BEGINS;
	if (row->since_ms < out->since_ms)
		out->since_ms = row->since_ms;
	if (row->before_ms == 0 || (out->before_ms != 0 && row->before_ms > out->before_ms))
		out->before_ms = row->before_ms;
	return BACKFILL_BEGINS;
}

/* ---- the next account ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Round by round: soon while an account fails, rarely when there is nothing to do. */
static void next_account(struct backfill *backfill)
{
	backfill->is_busy = false;
	backfill->account++;
	if (backfill->is_woken || backfill->account < backfill->env->accounts->count) {
		backfill->account = backfill->is_woken ? 0 : backfill->account;
		backfill->is_woken = false;
		look_in(backfill, 0);
		return;
	}
	backfill->account = 0;
	if (backfill->failed > 0) {
		look_in(backfill, backfill->retry_ms);
		backfill->retry_ms = least(2 * backfill->retry_ms, RETRY_MOST_MS);
	} else {
		backfill->retry_ms = RETRY_FIRST_MS;
		look_in(backfill, IDLE_MS);
	}
	backfill->failed = 0;
}

void backfill_wake(struct backfill *backfill)
{
	if (backfill->is_busy) {
		backfill->is_woken = true;
		return;
	}
	backfill->account = 0;
	backfill->failed = 0;
	look_in(backfill, 0);
}

/* ---- a walk ---- */

/* The row as it is after what the walk has read so far. */
static void take_place(const struct backfill *backfill, struct import *out)
{
	const struct list_walk *walk = &backfill->walk;

	*out = backfill->start;
	out->listed += walk->listed;
	out->found += walk->found + (int64_t)walk->chunk_news;
	out->malformed += walk->malformed;
	out->too_old += walk->too_old;
	if (walk->reached_ms != 0 && (out->reached_ms == 0 || walk->reached_ms < out->reached_ms))
		out->reached_ms = walk->reached_ms;
	snprintf(out->next_url, sizeof(out->next_url), "%s", walk->next_url);
	out->failure[0] = '\0';
}

/* Is the account's row still the one that this walk began with?  ERR_CONFLICT: something else was asked for meanwhile. */
static bool is_wanted(const struct backfill *backfill, struct catalog *catalog, struct err *err)
{
	AUTO(free) struct import *now = xmalloc(sizeof(*now));

	if (!imports_find(catalog, str_of(backfill->start.account_sid), now, err))
		return false;
	return now->asked_at_ms == backfill->start.asked_at_ms ||
	       err_set(err, ERR_CONFLICT, "another import was asked for");
}

static bool keep(const struct list_walk *walk, struct catalog *catalog, struct err *err)
{
	const struct backfill *backfill =
		container_of((struct list_walk *)(uintptr_t)walk, struct backfill, walk);
	struct import *place = xmalloc(sizeof(*place));
	bool kept;

	take_place(backfill, place);
	kept = is_wanted(backfill, catalog, err) && imports_set(catalog, place, err);
	free(place);
	return kept;
}

/* What lies between reconciling and here was listed, too: so status can say since when all is here. */
static bool extend_complete(struct catalog *catalog, const struct import *row, struct err *err)
{
	struct reconciliation complete;

	if (!reconciliations_find(catalog, str_of(row->account_sid), &complete, err))
		return false;
	if (complete.completed_at_ms == 0 || complete.since_ms <= row->since_ms ||
	    (row->before_ms != 0 && row->before_ms < complete.since_ms))
		return true;
	complete.since_ms = row->since_ms;
	return reconciliations_set(catalog, &complete, err);
}

static bool run_completed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct backfill *backfill = container_of(job, struct backfill, job);

	return is_wanted(backfill, catalog, err) && imports_set(catalog, &backfill->row, err) &&
	       extend_complete(catalog, &backfill->row, err);
}

/* The place is that of the last page that was written whole.  A page that is not there any more is none to go on with. */
static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct backfill *backfill = container_of(job, struct backfill, job);
	const struct list_walk *walk = &backfill->walk;

	if (!is_wanted(backfill, catalog, err) ||
	    !imports_find(catalog, str_of(backfill->start.account_sid), &backfill->row, err))
		return false;
	snprintf(backfill->row.failure, sizeof(backfill->row.failure), "%s", walk->failure);
	if (walk->listed == 0 && (walk->status == 400 || walk->status == 404))
		backfill->row.next_url[0] = '\0';
	return imports_set(catalog, &backfill->row, err);
}

static void end_written(struct ledger_job *job)
{
	struct backfill *backfill = container_of(job, struct backfill, job);
	bool is_other = !job->succeeded && job->err.kind == ERR_CONFLICT;

	if (!job->succeeded && !is_other)
		log_warn(NULL, "cannot write how far an import is: %s", job->err.text);
	backfill->failed += !is_other && (!job->succeeded || !backfill->walk.is_whole);
	next_account(backfill);
}

static void tell(const struct backfill *backfill)
{
	const struct list_walk *walk = &backfill->walk;

	if (walk->is_whole)
		log_info(
			NULL,
			"account %s: an import has read Twilio's list, %lld recordings, %lld of them news, "
			"%lld rows that are none",
			backfill->row.account_sid, (long long)backfill->row.listed,
			(long long)backfill->row.found, (long long)backfill->row.malformed);
	else if (!backfill->is_woken)
		log_warn(NULL,
			 "account %s: an import cannot read Twilio's list, and is tried again: %s",
			 backfill->row.account_sid, walk->failure);
}

static void walk_ended(struct list_walk *walk)
{
	struct backfill *backfill = container_of(walk, struct backfill, walk);

	backfill->job = (struct ledger_job){ .run = run_failed,
					     .done = end_written,
					     .reply = backfill->env->mailbox };
	if (walk->is_whole) {
		take_place(backfill, &backfill->row);
		backfill->row.completed_at_ms = clock_wall_ms();
		backfill->job.run = run_completed;
	}
	tell(backfill);
	ledger_write(backfill->env->ledger, &backfill->job);
}

/*
 * The page to go on with, unless the account's API has another address by now: credentials go to that one alone, and elsewhere it
 * would be refused for ever.  NULL: it goes on from the day that was reached.
 */
static const char *place_of(const struct import *row, const struct account *account)
{
	struct str url = str_of(row->next_url), api_url = str_of(account->api_url);
	bool is_here = str_starts(url, api_url) &&
		       str_starts(str_after(url, api_url.len), STR("/"));

	return is_here ? row->next_url : NULL;
}

static void begin_walk(struct backfill *backfill)
{
	const struct import *row = &backfill->row;
	const struct account *account = &backfill->env->accounts->at[backfill->account];
	int64_t now_ms = clock_wall_ms();
	const struct list_walk_plan plan = {
		.since_ms = row->since_ms,
		.before_ms = row->reached_ms != 0 ? row->reached_ms : row->before_ms,
		.url = place_of(row, account),
		.too_old_ms = backfill->keep_ms < now_ms ? now_ms - backfill->keep_ms : 0,
		.keep = keep,
	};

	backfill->start = *row;
	list_walk_start(&backfill->walk, backfill->env, account, &plan, walk_ended);
}

/* ---- looking ---- */

static bool run_find(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct backfill *backfill = container_of(job, struct backfill, job);

	return imports_find(catalog,
			    str_of(backfill->env->accounts->at[backfill->account].account_sid),
			    &backfill->row, err);
}

static void found(struct ledger_job *job)
{
	struct backfill *backfill = container_of(job, struct backfill, job);

	if (!job->succeeded) {
		log_warn(NULL, "cannot read how far an import is: %s", job->err.text);
		backfill->failed++;
	} else if (backfill->row.asked_at_ms != 0 && backfill->row.completed_at_ms == 0) {
		begin_walk(backfill);
		return;
	}
	next_account(backfill);
}

static void look(struct timer *timer)
{
	struct backfill *backfill = container_of(timer, struct backfill, timer);

	if (!ledger_has_duties(backfill->env->ledger)) {
		look_in(backfill, LEDGER_DUTY_LOOK_MS);
		return;
	}
	backfill->is_busy = true;
	backfill->job = (struct ledger_job){ .run = run_find,
					     .done = found,
					     .reply = backfill->env->mailbox };
	ledger_read(backfill->env->ledger, &backfill->job);
}

struct backfill *backfill_start(const struct rest_env *env, int64_t keep_ms)
{
	struct backfill *backfill;

	if (env->accounts->count == 0)
		return NULL;
	backfill = xcalloc(1, sizeof(*backfill));
	backfill->env = env;
	backfill->keep_ms = keep_ms;
	backfill->retry_ms = RETRY_FIRST_MS;
	look_in(backfill, 0);
	return backfill;
}

void backfill_change(struct backfill *backfill, int64_t keep_ms)
{
	if (backfill)
		backfill->keep_ms = keep_ms;
}

void backfill_free(struct backfill *backfill)
{
	if (!backfill)
		return;
	timer_stop(&backfill->timer);
	list_walk_release(&backfill->walk);
	free(backfill);
}
