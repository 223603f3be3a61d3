#include "audit/audit_duty.h"

#include "accounts/credentials.h"
#include "audit/audit_trail.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define FORGET_MS \
	(30 * 24 * HOUR_MS) /* credentials: long enough to look into what they were used for */
#define BATCH 500           /* rows a job: some milliseconds, webhooks wait no longer */

struct audit_duty {
	struct audit_trail *trail;
	struct loop *loop;
	struct timer timer;
	struct ledger_job forgetting, heading;
	struct audit_tail head;
	int64_t forgotten; /* by the last job, of what it forgot most of */
	bool is_first;
};

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
	int64_t now_ms = clock_wall_ms(), entries, addresses, credentials;

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
	else if (duty->forgotten == BATCH)
		ledger_write(duty->trail->ledger, job);
}

/* ---- the hour ---- */

static void each_hour(struct timer *timer)
{
	struct audit_duty *duty = container_of(timer, struct audit_duty, timer);

	/* The beginning of a chain holds the heads of the others already. */
	if (!duty->is_first)
		ledger_write(duty->trail->ledger, &duty->heading);
	duty->is_first = false;
	ledger_write(duty->trail->ledger, &duty->forgetting);
	timer_start(duty->loop, timer, HOUR_MS, each_hour);
}

struct audit_duty *audit_duty_new(struct audit_trail *trail, struct loop *loop,
				  struct mailbox *mailbox)
{
	struct audit_duty *duty = xcalloc(1, sizeof(*duty));

	duty->trail = trail;
	duty->loop = loop;
	duty->heading = (struct ledger_job){ .run = run_head, .done = head_done, .reply = mailbox };
	duty->forgetting =
		(struct ledger_job){ .run = run_forget, .done = forget_done, .reply = mailbox };
	duty->is_first = true;
	timer_start(loop, &duty->timer, 0, each_hour);
	return duty;
}

void audit_duty_free(struct audit_duty *duty)
{
	if (!duty)
		return;
	timer_stop(&duty->timer);
	free(duty);
}
