#include "flights/recheck.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/rechecks.h"
#include "event/loop.h"
#include "fetch/transfer.h"
#include "flights/download.h"
#include "flights/flight_env.h"
#include "ledger/ledger.h"
#include "twilio/accounts.h"
#include "vault/vault.h"

#include <stdlib.h>

#define POLL_MS       (60 * 1000)      /* the ledger is asked so often whether one is due */
#define GAP_MS        1000             /* between two, so that they take no turn from flights */
#define PUT_OFF_MS    RECHECK_AFTER_MS /* where no answer comes */
#define GIVE_UP_MS    (24 * 60 * 60 * 1000) /* after storing: it is kept as it is */
#define TIME_LIMIT_MS 15000                 /* a head comes at once or not at all */

enum finding {
	FINDING_NONE,  /* no answer: later */
	FINDING_SAME,  /* or none that would help: it is kept as it is */
	FINDING_OTHER, /* another length */
};

struct recheck {
	const struct flight_env *env;
	struct timer timer;
	struct ledger_job job;
	struct transfer_receiver receiver;
	struct transfer *transfer;
	struct recheck_planned planned;
	bool is_found;
	enum finding finding;
};

static void look(struct timer *timer);

static void look_in(struct recheck *recheck, int64_t wait_ms)
{
	timer_start(recheck->env->loop, &recheck->timer, wait_ms, look);
}

/* ---- what came of it, into the ledger ---- */

static bool run_finding(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct recheck *recheck = container_of(job, struct recheck, job);
	const struct recording *recording = &recheck->planned.recording;
	int64_t now_ms = clock_wall_ms();
	bool is_later = recheck->finding == FINDING_NONE &&
			now_ms - recording->stored_at_ms < GIVE_UP_MS;

	job->change.what = 0;
	if (!rechecks_set(catalog, str_of(recording->recording_sid),
			  is_later ? now_ms + PUT_OFF_MS : 0, err))
		return false;
	if (recheck->finding != FINDING_OTHER)
		return true;
	if (recordings_mark_replaced(catalog, recording, now_ms, err))
		job->change.what = PROJECTED_RECORDING | PROJECTED_TO_FETCH;
	/* ERR_CONFLICT: it is not what was looked at any more. */
	return job->change.what != 0 || err->kind == ERR_CONFLICT;
}

static void finding_written(struct ledger_job *job)
{
	struct recheck *recheck = container_of(job, struct recheck, job);

	if (!job->succeeded)
		log_warn(NULL, "recording %s: cannot write what came of looking again: %s",
			 recheck->planned.recording.recording_sid, job->err.text);
	else if (job->change.what != 0)
		log_info(NULL,
			 "recording %s: Twilio has another length by now: it is fetched again",
			 recheck->planned.recording.recording_sid);
	look_in(recheck, job->succeeded ? GAP_MS : POLL_MS);
}

static void conclude(struct recheck *recheck, enum finding finding)
{
	const struct recording *recording = &recheck->planned.recording;
	struct projection_change *change = &recheck->job.change;

	recheck->finding = finding;
	recheck->job = (struct ledger_job){ .run = run_finding,
					    .done = finding_written,
					    .reply = recheck->env->mailbox };
	memcpy(change->recording_sid, recording->recording_sid, SID_SIZE);
	memcpy(change->call_sid, recording->call_sid, SID_SIZE);
	memcpy(change->account_sid, recording->account_sid, SID_SIZE);
	ledger_write(recheck->env->ledger, &recheck->job);
}

/* ---- asking ---- */

/* The length of the whole, or -1. */
static int64_t length_told(const struct transfer_head *head)
{
	if (head->is_encoded)
		return -1;
	return head->status == 206   ? head->range_total
	       : head->status == 200 ? head->content_length
				     : -1;
}

/* What is stored of an encrypted one is without its tag. */
static uint64_t length_expected(const struct recording *recording)
{
	return recording->size + (recording->is_encrypted ? VAULT_TAG : 0);
}

/* It says nothing of the recording: credentials that are being changed are taken again, too. */
static bool is_no_answer(int status)
{
	return status == 401 || status == 403 || status == 408 || status == 429 || status >= 500;
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct recheck *recheck = container_of(receiver, struct recheck, receiver);
	int64_t length = length_told(head);

	if (is_no_answer(head->status))
		recheck->finding = FINDING_NONE;
	else if (length > 0 && (uint64_t)length != length_expected(&recheck->planned.recording))
		recheck->finding = FINDING_OTHER;
	else
		recheck->finding = FINDING_SAME;
	return TRANSFER_STOP;
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct recheck *recheck = container_of(receiver, struct recheck, receiver);

	recheck->transfer = NULL;
	conclude(recheck, recheck->finding);
}

static bool ask(struct recheck *recheck, const struct account *account, struct err *err)
{
	const struct recording *recording = &recheck->planned.recording;
	struct download_address address;
	/* Not HEAD: where media is redirected to, addresses may be signed for GET alone. */
	struct transfer_request request = {
		.method = TRANSFER_GET,
		.url = address.url,
		.auth_for = account->api_url,
		.user = address.user,
		.password = address.password,
		.ranged = true,
		.first = 0,
		.last = 0,
		.time_limit_ms = TIME_LIMIT_MS,
	};

	recheck->receiver = (struct transfer_receiver){ .on_head = on_head, .on_end = on_end };
	return download_address(account, recording->recording_sid,
				download_format(recheck->env, recording->is_encrypted),
				recording->channels_wanted, &address, err) &&
	       transfer_start(recheck->env->fetch, &request, &recheck->receiver, &recheck->transfer,
			      err);
}

static bool run_next(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct recheck *recheck = container_of(job, struct recheck, job);

	return rechecks_next(catalog, &recheck->planned, &recheck->is_found, err);
}

static void next_read(struct ledger_job *job)
{
	struct recheck *recheck = container_of(job, struct recheck, job);
	const struct recording *recording = &recheck->planned.recording;
	const struct account *account;
	struct err err;

	if (!job->succeeded || !recheck->is_found || recheck->planned.at_ms > clock_wall_ms()) {
		look_in(recheck, POLL_MS);
		return;
	}
	account = accounts_find(recheck->env->accounts, str_of(recording->account_sid));
	recheck->finding = FINDING_NONE;
	if (recording->state != RECORDING_STORED || !account || !ask(recheck, account, &err))
		conclude(recheck, FINDING_SAME);
}

static void look(struct timer *timer)
{
	struct recheck *recheck = container_of(timer, struct recheck, timer);

	if (!ledger_has_duties(recheck->env->ledger)) {
		look_in(recheck, LEDGER_DUTY_LOOK_MS);
		return;
	}
	recheck->job = (struct ledger_job){ .run = run_next,
					    .done = next_read,
					    .reply = recheck->env->mailbox };
	ledger_read(recheck->env->ledger, &recheck->job);
}

struct recheck *recheck_start(const struct flight_env *env)
{
	struct recheck *recheck = xcalloc(1, sizeof(*recheck));

	recheck->env = env;
	look_in(recheck, 0);
	return recheck;
}

void recheck_free(struct recheck *recheck)
{
	if (!recheck)
		return;
	timer_stop(&recheck->timer);
	transfer_cancel(recheck->transfer);
	free(recheck);
}
