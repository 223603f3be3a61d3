#include "audit/audit_duty.h"

#include "accounts/credentials.h"
#include "audit/audit_trail.h"
#include "audit/refusals.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define FORGET_MS  \
	(30 * 24 * \
	 AUDIT_DUTY_EACH_MS) /* credentials: long enough to look into what they were used for */
#define BATCH       500      /* rows a job: some milliseconds, webhooks wait no longer */
#define REFUSALS_MS 500      /* an entry is written within a second */
#define REFUSALS    64       /* of one job; the others follow */

struct refusals_job {
	struct ledger_job job;
	struct audit_trail *trail;
	size_t count;
	bool is_under_way;
	struct refusal_entry at[REFUSALS];
};

struct audit_duty {
	struct audit_trail *trail;
	struct vouched_clock *clock;
	struct loop *loop;
	struct timer timer;
	struct ledger_job forgetting, heading;
	struct audit_tail head;
	int64_t forgotten; /* by the last job, of what it forgot most of */
	int64_t each_ms;
	bool is_first;
	bool is_heading, is_forgetting; /* the job is under way */

	struct timer refusals_timer;
	struct refusals_job refusing;
	int64_t throttled;         /* since the log had a line of them */
	int64_t throttled_told_ms; /* monotonic; 0: never */
};

/* ---- what was refused ---- */

static bool run_refusals(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct refusals_job *refusing = container_of(job, struct refusals_job, job);

	for (size_t i = 0; i < refusing->count; i++)
		if (!refusals_write(refusing->trail, catalog, &refusing->at[i], err))
			return false;
	return true;
}

static void tell_lost(const struct refusals_job *refusing, const struct err *err)
{
	log_error(NULL, "%zu entries of the audit, of what was refused, cannot be written: %s",
		  refusing->count, err->text);
}

static void refusals_written(struct ledger_job *job)
{
	struct refusals_job *refusing = container_of(job, struct refusals_job, job);

	refusing->is_under_way = false;
	if (!job->succeeded)
		tell_lost(refusing, &job->err);
}

/* The audit has an entry for each who tries too often; the log one line a minute for all. */
static void tell_throttled(struct audit_duty *duty)
{
	const struct refusals_job *refusing = &duty->refusing;
	const struct refusal *one = NULL;
	int64_t now_ms = loop_now_ms(duty->loop);

	for (size_t i = 0; i < refusing->count; i++) {
		if (refusing->at[i].first.kind != REFUSAL_THROTTLED)
			continue;
		one = &refusing->at[i].first;
		duty->throttled += refusing->at[i].count;
	}
	if (!one ||
	    (duty->throttled_told_ms != 0 && now_ms - duty->throttled_told_ms < REFUSALS_MINUTE_MS))
		return;
	log_warn(NULL,
		 "%lld requests came too often and were answered 429, the last over the limit of "
		 "%s: user %s, from %s",
		 (long long)duty->throttled, one->what ? one->what : "others",
		 one->name[0] ? one->name : "-", one->address[0] ? one->address : "-");
	duty->throttled = 0;
	duty->throttled_told_ms = now_ms;
}

static void each_half_second(struct timer *timer)
{
	struct audit_duty *duty = container_of(timer, struct audit_duty, refusals_timer);
	struct refusals_job *refusing = &duty->refusing;

	timer_start(duty->loop, timer, REFUSALS_MS, each_half_second);
	if (refusing->is_under_way)
		return;
	refusing->count = refusals_take(duty->trail->refusals, loop_now_ms(duty->loop),
					refusing->at, REFUSALS);
	if (refusing->count == 0)
		return;
	tell_throttled(duty);
	refusing->is_under_way = true;
	ledger_write(duty->trail->ledger, &refusing->job);
}

static void write_last_refusals(struct audit_trail *trail)
{
	AUTO(free) struct refusals_job *refusing = xcalloc(1, sizeof(*refusing));
	struct err err;

	refusing->trail = trail;
	refusing->job.run = run_refusals;
	while ((refusing->count =
			refusals_take(trail->refusals, INT64_MAX, refusing->at, REFUSALS)) > 0)
		if (!ledger_write_now(trail->ledger, &refusing->job, &err))
			tell_lost(refusing, &err);
}

/* ---- heads ---- */

struct head_job {
	struct ledger_job job;
	struct audit_trail *trail;
	struct audit_tail head;
};

static void tell_head(const struct audit_tail *head)
{
	char text[SHA256_HEX];
	struct buf mac;

	buf_over(&mac, text, sizeof(text));
	hex_add(&mac, head->mac, sizeof(head->mac));
	log_info(NULL, "audit head chain=%lld seq=%lld mac=%s", (long long)head->chain,
		 (long long)head->seq, text);
}

static bool add_head(struct audit_trail *trail, struct catalog *catalog, struct audit_tail *out,
		     struct err *err)
{
	return audit_chain_head(catalog, trail->key, trail->chain, clock_wall_ms(), out, err);
}

static bool run_last_head(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct head_job *head = container_of(job, struct head_job, job);

	return add_head(head->trail, catalog, &head->head, err);
}

void audit_duty_end(struct audit_trail *trail)
{
	struct head_job head = { .job = { .run = run_last_head }, .trail = trail };
	struct err err;

	write_last_refusals(trail);
	if (ledger_write_now(trail->ledger, &head.job, &err))
		tell_head(&head.head);
	else
		log_warn(NULL, "the audit was not given its last head: %s", err.text);
}

static bool run_head(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct audit_duty *duty = container_of(job, struct audit_duty, heading);

	return add_head(duty->trail, catalog, &duty->head, err);
}

static void head_done(struct ledger_job *job)
{
	struct audit_duty *duty = container_of(job, struct audit_duty, heading);

	duty->is_heading = false;
	if (job->succeeded)
		tell_head(&duty->head);
	else
		log_warn(NULL, "the audit was not given a head: %s", job->err.text);
}

/* ---- what is too old ---- */

static bool run_forget(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct audit_duty *duty = container_of(job, struct audit_duty, forgetting);
	const struct audit_trail *trail = duty->trail;
	int64_t now_ms, entries, addresses, credentials;
	struct err doubt;

	duty->forgotten = 0;
	if (!duty->clock->now(duty->clock, &now_ms, &doubt))
		return true;
	if (!audit_chain_prune(catalog, trail->key, trail->chain,
			       now_ms - trail->options.retention_ms, now_ms, BATCH, &entries,
			       err) ||
	    !audit_forget_addresses(catalog, now_ms - trail->options.address_retention_ms, BATCH,
				    &addresses, err) ||
	    !credentials_forget(catalog, now_ms - FORGET_MS, BATCH, &credentials, err))
		return false;
	duty->forgotten = addresses > credentials ? addresses : credentials;
	if (entries > duty->forgotten)
		duty->forgotten = entries;
	return true;
}

static void forget_done(struct ledger_job *job)
{
	struct audit_duty *duty = container_of(job, struct audit_duty, forgetting);

	if (!job->succeeded)
		log_warn(NULL,
			 "old entries of the audit and old credentials stay for an hour more: %s",
			 job->err.text);
	duty->is_forgetting = job->succeeded && duty->forgotten == BATCH;
	if (duty->is_forgetting)
		ledger_write(duty->trail->ledger, job);
}

/* ---- the hour ---- */

static void each_hour(struct timer *timer)
{
	struct audit_duty *duty = container_of(timer, struct audit_duty, timer);

	timer_start(duty->loop, timer, duty->each_ms, each_hour);
	/* The beginning of a chain holds the heads of the others already. */
	if (!duty->is_first && !duty->is_heading) {
		duty->is_heading = true;
		ledger_write(duty->trail->ledger, &duty->heading);
	}
	duty->is_first = false;
	if (!duty->is_forgetting) {
		duty->is_forgetting = true;
		ledger_write(duty->trail->ledger, &duty->forgetting);
	}
}

struct audit_duty *audit_duty_new(struct audit_trail *trail, struct vouched_clock *clock,
				  struct loop *loop, struct mailbox *mailbox, int64_t each_ms)
{
	struct audit_duty *duty = xcalloc(1, sizeof(*duty));

	duty->trail = trail;
	duty->clock = clock;
	duty->loop = loop;
	duty->each_ms = each_ms;
	duty->heading = (struct ledger_job){ .run = run_head, .done = head_done, .reply = mailbox };
	duty->forgetting =
		(struct ledger_job){ .run = run_forget, .done = forget_done, .reply = mailbox };
	duty->is_first = true;
	duty->refusing.trail = trail;
	duty->refusing.job = (struct ledger_job){ .run = run_refusals,
						  .done = refusals_written,
						  .reply = mailbox };
	timer_start(loop, &duty->refusals_timer, REFUSALS_MS, each_half_second);
	timer_start(loop, &duty->timer, 0, each_hour);
	return duty;
}

void audit_duty_free(struct audit_duty *duty)
{
	if (!duty)
		return;
	timer_stop(&duty->timer);
	timer_stop(&duty->refusals_timer);
	free(duty);
}
