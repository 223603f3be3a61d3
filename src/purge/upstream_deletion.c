#include "purge/upstream_deletion.h"

#include "accounts/audit.h"
#include "audit/audit_trail.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "chores/upstream_deletions.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "ledger/ledger.h"
#include "purge/purge.h"
#include "rest/rest_env.h"
#include "rest/rest_request.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"
#include "verdict/verdict.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS     INT64_C(86400000)
#define NEXT_MS    INT64_C(50)      /* from one to the next: Twilio has better things to do */
#define IDLE_MS    INT64_C(600000)  /* nothing is old enough, or the day's number is reached */
#define PAUSE_MS   INT64_C(60000)   /* Twilio limits, or does not answer: doubles up to ... */
#define PAUSE_MOST INT64_C(3600000) /* ... this, which a refusal takes at once */
#define PAGE       64
#define URL_SIZE   512

enum answer { ANSWER_DELETED, ANSWER_LATER, ANSWER_REFUSED };

struct upstream_deletion {
	const struct purge_env *env;
	const struct rest_env *rest;
	struct blob_store *store;
	struct workers *workers;
	_Atomic int64_t after_ms, per_day;
	atomic_bool is_stopping;

	struct timer timer;
	bool is_busy, is_woken;
	int64_t pause_ms; /* the last one; 0: all was well */
	struct ledger_job ledger_job;
	struct job job;
	struct rest_request request;

	/* The one that it is at. */
	struct recording recording; /* recording_sid "": none is due */
	bool is_whole, is_day_over;
	struct err read_err;
};

struct waking {
	struct mail mail;
	struct upstream_deletion *deletion;
};

static void begin(struct timer *timer);

static void rest_for(struct upstream_deletion *deletion, int64_t wait_ms)
{
	deletion->is_busy = false;
	if (deletion->is_stopping)
		return;
	if (deletion->is_woken)
		wait_ms = NEXT_MS;
	deletion->is_woken = false;
	timer_start(deletion->rest->loop, &deletion->timer, wait_ms, begin);
}

static void pause_for(struct upstream_deletion *deletion, int64_t least_ms, const char *why)
{
	int64_t wait_ms = deletion->pause_ms == 0 ? PAUSE_MS : 2 * deletion->pause_ms;

	if (wait_ms < least_ms)
		wait_ms = least_ms;
	if (wait_ms > PAUSE_MOST)
		wait_ms = PAUSE_MOST;
	if (deletion->pause_ms == 0)
		log_warn(NULL, "Twilio's copies are not deleted for a while: %s", why);
	deletion->pause_ms = wait_ms;
	rest_for(deletion, wait_ms);
}

static bool write_job(struct upstream_deletion *deletion,
		      bool (*run)(struct ledger_job *job, struct catalog *catalog, struct err *err),
		      void (*done)(struct ledger_job *job))
{
	if (deletion->is_stopping)
		return false;
	deletion->ledger_job =
		(struct ledger_job){ .run = run, .done = done, .reply = deletion->rest->mailbox };
	ledger_write(deletion->env->ledger, &deletion->ledger_job);
	return true;
}

/* ---- it is gone there ---- */

static bool run_deleted(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	AUTO(free) struct audit_entry *entry = xcalloc(1, sizeof(*entry));

	str_fit(STR("upstream_deleted"), entry->kind, sizeof(entry->kind));
	memcpy(entry->recording_sid, deletion->recording.recording_sid, SID_SIZE);
	snprintf(entry->body, sizeof(entry->body), "{\"status\":%d}", deletion->request.status);
	return upstream_copy_set(catalog, deletion->recording.recording_sid, UPSTREAM_COPY_DELETED,
				 err) &&
	       audit_trail_write(deletion->env->trail, catalog, entry, err);
}

static void deleted(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);

	if (!job->succeeded) {
		pause_for(deletion, 0, job->err.text);
		return;
	}
	deletion->pause_ms = 0;
	rest_for(deletion, NEXT_MS);
}

/* ---- Twilio ---- */

static enum answer answer_of(int status)
{
	if (status == 204 || status == 200 || status == 404 || status == 410)
		return ANSWER_DELETED;
	if (status == 401 || status == 403)
		return ANSWER_REFUSED;
	return ANSWER_LATER;
}

static void answered(struct rest_request *request)
{
	struct upstream_deletion *deletion =
		container_of(request, struct upstream_deletion, request);
	char why[64];

	snprintf(why, sizeof(why), "it answered %d to a DELETE", request->status);
	switch (answer_of(request->status)) {
	case ANSWER_DELETED:
		write_job(deletion, run_deleted, deleted);
		return;
	case ANSWER_REFUSED:
		pause_for(deletion, PAUSE_MOST, why);
		return;
	case ANSWER_LATER:
		pause_for(deletion, 0, request->status == 0 ? "it does not answer" : why);
		return;
	}
}

static bool ask(struct upstream_deletion *deletion, struct err *err)
{
	const struct recording *recording = &deletion->recording;
	const struct account *account =
		accounts_find(deletion->rest->accounts, str_of(recording->account_sid));
	char room[URL_SIZE];
	struct buf url;

	if (!account)
		return err_set(err, ERR_INVALID, "account '%s' is not in our settings",
			       recording->account_sid);
	buf_over(&url, room, sizeof(room));
	rest_recording_url(&url, str_of(account->api_url), str_of(account->account_sid),
			   str_of(recording->recording_sid));
	deletion->request.method = TRANSFER_DELETE;
	return (buf_ok(&url) || err_set(err, ERR_INVALID, "the address is too long")) &&
	       rest_request_send(&deletion->request, deletion->rest->fetch, account, room, answered,
				 err);
}

/* ---- it may go ---- */

static bool is_same_file(const struct recording *now, const struct recording *seen)
{
	return now->state == RECORDING_STORED && !now->is_held &&
	       now->generation == seen->generation && strcmp(now->sha256, seen->sha256) == 0;
}

/* The rule may be another by now, and when the recording began, too. */
static bool is_old_enough(const struct upstream_deletion *deletion, const struct recording *now,
			  int64_t now_ms)
{
	int64_t after_ms = deletion->after_ms;

	return after_ms != INT64_MAX && now->started_at_ms > 0 &&
	       now->started_at_ms < now_ms - after_ms;
}

/* Twilio may have told how long it is after ours came: of what was taken from files it nearly always has. */
static bool has_other_length(const struct recording *recording)
{
	return recording->is_duration_off ||
	       verdict_duration_is_off(recording->duration_ms, recording->duration_s);
}

/* What was read is what the ledger says still; else it is left for another time, ERR_CONFLICT. */
static bool run_spare(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	const char *sid = deletion->recording.recording_sid;
	AUTO(free) struct recording *now = xcalloc(1, sizeof(*now));
	int64_t now_ms, count;

	deletion->is_day_over = false;
	if (!purge_may_remove(deletion->env, catalog, &now_ms, err) ||
	    !recordings_find(catalog, str_of(sid), now, err))
		return false;
	if (!is_same_file(now, &deletion->recording) || !is_old_enough(deletion, now, now_ms))
		return err_set(err, ERR_CONFLICT, "it changed meanwhile");
	if (!deletion->is_whole || has_other_length(now))
		return upstream_copy_set(catalog, sid, UPSTREAM_COPY_NEEDED, err);
	if (!upstream_deletions_count(catalog, now_ms - DAY_MS, &count, err))
		return false;
	deletion->is_day_over = count >= deletion->per_day;
	return deletion->is_day_over ||
	       (upstream_copy_set(catalog, sid, UPSTREAM_COPY_SPARED, err) &&
		upstream_deletions_add(catalog, sid, now_ms, now_ms - 2 * DAY_MS, err));
}

static void spared(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	struct err err;

	if (!job->succeeded && job->err.kind == ERR_CONFLICT)
		rest_for(deletion, NEXT_MS);
	else if (!job->succeeded)
		pause_for(deletion, 0, job->err.text);
	else if (!deletion->is_whole)
		rest_for(deletion, NEXT_MS);
	else if (deletion->is_day_over)
		rest_for(deletion, IDLE_MS);
	else if (!deletion->is_stopping && !ask(deletion, &err))
		pause_for(deletion, PAUSE_MOST, err.text);
}

/* ---- ours is read again ---- */

static void run_read(struct job *job)
{
	struct upstream_deletion *deletion = container_of(job, struct upstream_deletion, job);
	const struct recording *recording = &deletion->recording;
	struct blob_content content;
	char hex[SHA256_HEX];
	struct buf buf;

	deletion->is_whole = false;
	if (!blob_read_content(deletion->store, str_of(recording->path), &deletion->is_stopping,
			       &content, &deletion->read_err))
		return;
	buf_over(&buf, hex, sizeof(hex));
	hex_add(&buf, content.sha256, sizeof(content.sha256));
	deletion->is_whole = strcmp(hex, recording->sha256) == 0;
}

static void read_done(struct job *job)
{
	struct upstream_deletion *deletion = container_of(job, struct upstream_deletion, job);

	if (deletion->read_err.text[0] != '\0' && deletion->read_err.kind != ERR_NOT_FOUND) {
		pause_for(deletion, 0, deletion->read_err.text);
		return;
	}
	if (!deletion->is_whole)
		log_error(NULL, "recording %s: its file is not what it was: Twilio's copy stays",
			  deletion->recording.recording_sid);
	write_job(deletion, run_spare, spared);
}

/* ---- which is next ---- */

/* The digest is made a moment after it was stored. */
static bool take(struct upstream_deletion *deletion, struct catalog *catalog, const char *sid,
		 bool *out_taken, struct err *err)
{
	struct recording *recording = &deletion->recording;

	*out_taken = false;
	if (!recordings_find(catalog, str_of(sid), recording, err))
		return false;
	*out_taken = recording->state == RECORDING_STORED && recording->sha256[0] != '\0' &&
		     !recording->is_held;
	return true;
}

static bool list_of(struct upstream_deletion *deletion, struct catalog *catalog,
		    const struct age_range *range, int64_t before_ms, bool *out_taken,
		    struct err *err)
{
	struct age_row rows[PAGE];
	size_t count;

	*out_taken = false;
	if (!ages_list(catalog, range, before_ms, rows, PAGE, &count, err))
		return false;
	for (size_t i = 0; i < count && !*out_taken; i++)
		if (!take(deletion, catalog, rows[i].recording_sid, out_taken, err))
			return false;
	return true;
}

/* Of the accounts whose credentials we have: what was begun first, then the oldest. */
static bool run_list(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	static const enum upstream_copy copies[] = { UPSTREAM_COPY_SPARED, UPSTREAM_COPY_THERE };
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	const struct accounts *accounts = deletion->rest->accounts;
	int64_t now_ms, before_ms;
	bool is_taken = false;

	if (!purge_may_remove(deletion->env, catalog, &now_ms, err))
		return false;
	before_ms = now_ms - deletion->after_ms;
	for (size_t i = 0; i < accounts->count; i++)
		for (size_t c = 0; c < ARRAY_LEN(copies); c++)
			for (int way = 0; way < RETENTION_WAYS; way++) {
				struct age_range range = { .way = way, .copy = copies[c] };

				memcpy(range.account_sid, accounts->at[i].account_sid, SID_SIZE);
				if (!list_of(deletion, catalog, &range, before_ms, &is_taken, err))
					return false;
				if (is_taken)
					return true;
			}
	deletion->recording.recording_sid[0] = '\0';
	return true;
}

static void listed(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);

	if (!job->succeeded) {
		rest_for(deletion, PAUSE_MS);
		return;
	}
	if (deletion->recording.recording_sid[0] == '\0' || deletion->is_stopping) {
		rest_for(deletion, IDLE_MS);
		return;
	}
	deletion->read_err.text[0] = '\0';
	if (has_other_length(&deletion->recording)) { /* there may be another there */
		deletion->is_whole = false;
		write_job(deletion, run_spare, spared);
		return;
	}
	deletion->job = (struct job){ .run = run_read,
				      .done = read_done,
				      .reply = deletion->rest->mailbox };
	workers_post(deletion->workers, &deletion->job);
}

static void begin(struct timer *timer)
{
	struct upstream_deletion *deletion = container_of(timer, struct upstream_deletion, timer);

	if (deletion->after_ms == INT64_MAX || deletion->is_stopping)
		return;
	deletion->is_busy = true;
	deletion->ledger_job = (struct ledger_job){ .run = run_list,
						    .done = listed,
						    .reply = deletion->rest->mailbox };
	ledger_read(deletion->env->ledger, &deletion->ledger_job);
}

/* ---- life cycle ---- */

static void woken(struct mail *mail)
{
	AUTO(free) struct waking *waking = container_of(mail, struct waking, mail);
	struct upstream_deletion *deletion = waking->deletion;

	deletion->is_woken = true;
	if (!deletion->is_busy)
		rest_for(deletion, NEXT_MS);
}

struct upstream_deletion *upstream_deletion_new(const struct purge_env *env,
						const struct rest_env *rest,
						struct blob_store *store, struct workers *workers,
						const struct upstream_deletion_options *options)
{
	struct upstream_deletion *deletion = xcalloc(1, sizeof(*deletion));

	deletion->env = env;
	deletion->rest = rest;
	deletion->store = store;
	deletion->workers = workers;
	deletion->after_ms = options->after_ms;
	deletion->per_day = options->per_day;
	timer_start(rest->loop, &deletion->timer, NEXT_MS, begin);
	return deletion;
}

void upstream_deletion_change(struct upstream_deletion *deletion,
			      const struct upstream_deletion_options *options)
{
	struct waking *waking = xcalloc(1, sizeof(*waking));

	deletion->after_ms = options->after_ms;
	deletion->per_day = options->per_day;
	waking->deletion = deletion;
	waking->mail.deliver = woken;
	mailbox_post(deletion->rest->mailbox, &waking->mail);
}

void upstream_deletion_stop(struct upstream_deletion *deletion)
{
	if (deletion)
		deletion->is_stopping = true;
}

void upstream_deletion_free(struct upstream_deletion *deletion)
{
	if (!deletion)
		return;
	timer_stop(&deletion->timer);
	rest_request_release(&deletion->request);
	free(deletion);
}
