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
#include "fetch/fetch.h"
#include "ledger/ledger.h"
#include "purge/clock_guard.h"
#include "purge/day_count.h"
#include "purge/left_alone.h"
#include "purge/purge.h"
#include "purge/upstream_walk.h"
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
#define ROOM_MS    INT64_C(100)     /* all requests to Twilio that may be under way are */
#define IDLE_MS    INT64_C(600000)  /* nothing is old enough, or the day's number is reached */
#define PAUSE_MS   INT64_C(60000)   /* what failed rests, or all do: doubles up to ... */
#define PAUSE_MOST INT64_C(3600000) /* ... this, which a refusal takes at once */
#define IN_A_ROW   3                /* so many that fail, and it is not theirs */
#define URL_SIZE   512

enum answer {
	ANSWER_DELETED,
	ANSWER_LIMITED, /* the account's */
	ANSWER_REFUSED, /* the account's */
	ANSWER_ODD,     /* the recording's */
};

struct upstream_deletion {
	const struct purge_env *env;
	const struct rest_env *rest;
	struct blob_store *store;
	struct workers *workers;
	_Atomic int64_t after_ms, per_day;
	atomic_bool is_stopping;

	struct timer timer;
	bool is_busy, is_woken;
	int64_t pause_ms;  /* of all, the last one; 0: all was well */
	unsigned failures; /* in a row */
	struct left_alone
		left_alone; /* accounts and recordings that are left alone; a reader has it while it looks for the next */
	struct upstream_walk walk;
	struct day_count day; /* of this process; a ledger's thread reads it while the loop waits */
	struct ledger_job ledger_job;
	struct job job;
	struct rest_request request;

	/* The one that it is at. */
	struct recording recording;
	enum upstream_found found;
	int64_t loop_ms;
	bool may_remove, is_whole, is_day_over;
	bool is_counted; /* within the last two days it was asked for already */
	struct err read_err;
};

struct waking {
	struct mail mail;
	struct upstream_deletion *deletion;
};

static void begin(struct timer *timer);

/* By the new settings it begins anew. */
static void forget_failures(struct upstream_deletion *deletion)
{
	deletion->is_woken = false;
	deletion->pause_ms = 0;
	deletion->failures = 0;
	deletion->left_alone = (struct left_alone){ 0 };
	deletion->walk = (struct upstream_walk){ .account = 0 };
}

static void rest_for(struct upstream_deletion *deletion, int64_t wait_ms)
{
	deletion->is_busy = false;
	if (deletion->is_stopping)
		return;
	if (deletion->is_woken) {
		forget_failures(deletion);
		wait_ms = NEXT_MS;
	}
	timer_start(deletion->rest->loop, &deletion->timer, wait_ms, begin);
}

static void pause_all(struct upstream_deletion *deletion, const char *why)
{
	int64_t wait_ms = deletion->pause_ms == 0 ? PAUSE_MS : 2 * deletion->pause_ms;

	if (wait_ms > PAUSE_MOST)
		wait_ms = PAUSE_MOST;
	if (deletion->pause_ms == 0)
		log_warn(NULL, "Twilio's copies are not deleted for a while: %s", why);
	deletion->pause_ms = wait_ms;
	deletion->failures = 0;
	rest_for(deletion, wait_ms);
}

/* The others go on, unless they fail as well. */
static void leave_recording(struct upstream_deletion *deletion, const char *why)
{
	const char *sid = deletion->recording.recording_sid;

	if (left_alone_failed(&deletion->left_alone, sid, loop_now_ms(deletion->rest->loop),
			      PAUSE_MS, PAUSE_MOST))
		log_warn(NULL, "recording %s: Twilio's copy is not deleted for a while: %s", sid,
			 why);
	if (++deletion->failures >= IN_A_ROW)
		pause_all(deletion, why);
	else
		rest_for(deletion, NEXT_MS);
}

static void leave_account(struct upstream_deletion *deletion, int64_t least_ms, const char *why)
{
	const char *sid = deletion->recording.account_sid;

	if (left_alone_failed(&deletion->left_alone, sid, loop_now_ms(deletion->rest->loop),
			      least_ms, PAUSE_MOST))
		log_warn(NULL, "account %s: Twilio's copies are not deleted for a while: %s", sid,
			 why);
	rest_for(deletion, NEXT_MS);
}

static void worked(struct upstream_deletion *deletion)
{
	deletion->pause_ms = 0;
	deletion->failures = 0;
	left_alone_worked(&deletion->left_alone, deletion->recording.recording_sid);
	left_alone_worked(&deletion->left_alone, deletion->recording.account_sid);
	rest_for(deletion, NEXT_MS);
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

	if (job->succeeded)
		worked(deletion);
	else
		pause_all(deletion, job->err.text);
}

/* ---- Twilio ---- */

/* What stands at api_url may be a proxy with a page of its own: only Twilio says that there is no such recording. */
static bool says_not_found(const struct rest_request *request)
{
	struct rest_error error;

	return request->status == 404 && buf_ok(&request->body) &&
	       rest_read_error(buf_str(&request->body), &error) &&
	       error.code == REST_CODE_NOT_FOUND;
}

static enum answer answer_of(const struct rest_request *request)
{
	if (request->status == 204 || says_not_found(request))
		return ANSWER_DELETED;
	if (request->status == 401 || request->status == 403)
		return ANSWER_REFUSED;
	return request->status == 429 ? ANSWER_LIMITED : ANSWER_ODD;
}

static void answered(struct rest_request *request)
{
	struct upstream_deletion *deletion =
		container_of(request, struct upstream_deletion, request);
	char why[64];

	if (request->status == 0)
		snprintf(why, sizeof(why), "it does not answer");
	else
		snprintf(why, sizeof(why), "it answered %d to a DELETE", request->status);
	switch (answer_of(request)) {
	case ANSWER_DELETED:
		write_job(deletion, run_deleted, deleted);
		return;
	case ANSWER_LIMITED:
		leave_account(deletion, PAUSE_MS, why);
		return;
	case ANSWER_REFUSED:
		leave_account(deletion, PAUSE_MOST, why);
		return;
	case ANSWER_ODD:
		leave_recording(deletion, why);
		return;
	}
}

static bool ask(struct upstream_deletion *deletion, enum transfer_method method,
		void (*done)(struct rest_request *request), struct err *err)
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
	deletion->request.method = method;
	return (buf_ok(&url) || err_set(err, ERR_INVALID, "the address is too long")) &&
	       rest_request_send(&deletion->request, deletion->rest->fetch, account, room, done,
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

/*
 * What time it is, by Twilio's clock and ours: one of both may jump.  What is written has the later of both, and a day is counted back
 * from the earlier, so that it ends only when it is over by both.
 */
struct now {
	int64_t later_ms, earlier_ms;
};

static bool tell_now(const struct upstream_deletion *deletion, struct now *out, struct err *err)
{
	int64_t told_ms, ours_ms = clock_wall_ms();

	if (!clock_guard_told(deletion->env->guard, &told_ms))
		return err_set(err, ERR_UNAVAILABLE, "Twilio has not said what time it is");
	*out = told_ms > ours_ms ? (struct now){ told_ms, ours_ms }
				 : (struct now){ ours_ms, told_ms };
	return true;
}

/*
 * May one more be asked for today?  As the ledger has it, and as this process knows by a clock that never jumps; who was asked for
 * within the day is counted already.
 */
static bool count_day(struct upstream_deletion *deletion, struct catalog *catalog,
		      const char *but_sid, const struct now *now, struct err *err)
{
	int64_t per_day = deletion->per_day, count;

	deletion->is_counted = false;
	if (!upstream_deletions_count(catalog, now->earlier_ms - DAY_MS, but_sid, &count, err) ||
	    (but_sid && !upstream_deletions_has(catalog, but_sid, &deletion->is_counted, err)))
		return false;
	deletion->is_day_over = count >= per_day ||
				(!deletion->is_counted &&
				 day_count_sum(&deletion->day, clock_boot_ms()) >= per_day);
	return true;
}

static bool spare(struct upstream_deletion *deletion, struct catalog *catalog, struct err *err)
{
	const char *sid = deletion->recording.recording_sid;
	struct now now = { 0 };

	if (!tell_now(deletion, &now, err) ||
	    !upstream_deletions_bound(catalog, now.later_ms, err) ||
	    !count_day(deletion, catalog, sid, &now, err))
		return false;
	return deletion->is_day_over ||
	       (upstream_copy_set(catalog, sid, UPSTREAM_COPY_SPARED, err) &&
		upstream_deletions_add(catalog, sid, now.later_ms, now.earlier_ms - 2 * DAY_MS,
				       err));
}

/* What was read is what the ledger says still; else it is left for another time, ERR_CONFLICT. */
static bool run_spare(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	const char *sid = deletion->recording.recording_sid;
	AUTO(free) struct recording *now = xcalloc(1, sizeof(*now));
	int64_t now_ms;

	deletion->is_day_over = false;
	if (!purge_may_remove(deletion->env, catalog, &now_ms, err) ||
	    !recordings_find(catalog, str_of(sid), now, err))
		return false;
	if (!is_same_file(now, &deletion->recording) || !is_old_enough(deletion, now, now_ms))
		return err_set(err, ERR_CONFLICT, "it changed meanwhile");
	/* spared() goes by this: Twilio may have told of another length while ours was read. */
	deletion->is_whole = deletion->is_whole && !has_other_length(now);
	if (!deletion->is_whole)
		return upstream_copy_set(catalog, sid, UPSTREAM_COPY_NEEDED, err);
	return spare(deletion, catalog, err);
}

/* ---- the last look ---- */

static void send_when_room(struct timer *timer);

/* Whatever kept it from being begun keeps it from being sent: a hold, a rule that is another by now, a pause, a clock in doubt. */
static bool run_look(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	AUTO(free) struct recording *now = xcalloc(1, sizeof(*now));
	int64_t now_ms;

	if (!purge_may_remove(deletion->env, catalog, &now_ms, err) ||
	    !recordings_find(catalog, str_of(deletion->recording.recording_sid), now, err))
		return false;
	return (is_same_file(now, &deletion->recording) && is_old_enough(deletion, now, now_ms)) ||
	       err_set(err, ERR_CONFLICT, "it changed meanwhile");
}

static void send_delete(struct upstream_deletion *deletion)
{
	struct err err;

	if (!ask(deletion, TRANSFER_DELETE, answered, &err))
		leave_account(deletion, PAUSE_MOST, err.text);
}

static void looked(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);

	if (deletion->is_stopping)
		return;
	if (!job->succeeded && job->err.kind == ERR_UNAVAILABLE)
		pause_all(deletion, job->err.text);
	else if (!job->succeeded)
		rest_for(deletion, NEXT_MS);
	else if (fetch_has_room(deletion->rest->fetch))
		send_delete(deletion);
	else
		timer_start(deletion->rest->loop, &deletion->timer, ROOM_MS, send_when_room);
}

/*
 * What waits for its turn behind downloads waits for long, and may be held meanwhile: so it waits here, and is looked at
 * once more before it goes.
 */
static void send_when_room(struct timer *timer)
{
	struct upstream_deletion *deletion = container_of(timer, struct upstream_deletion, timer);

	if (deletion->is_stopping)
		return;
	if (!ledger_has_duties(deletion->env->ledger)) {
		rest_for(deletion, NEXT_MS);
		return;
	}
	if (!fetch_has_room(deletion->rest->fetch)) {
		timer_start(deletion->rest->loop, &deletion->timer, ROOM_MS, send_when_room);
		return;
	}
	deletion->ledger_job = (struct ledger_job){ .run = run_look,
						    .done = looked,
						    .reply = deletion->rest->mailbox };
	ledger_read(deletion->env->ledger, &deletion->ledger_job);
}

static void end_day(struct upstream_deletion *deletion)
{
	deletion->walk = (struct upstream_walk){ .account = 0 };
	rest_for(deletion, IDLE_MS);
}

static void spared(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);

	if (!job->succeeded && job->err.kind == ERR_CONFLICT) {
		rest_for(deletion, NEXT_MS);
	} else if (!job->succeeded) {
		pause_all(deletion, job->err.text);
	} else if (!deletion->is_whole) {
		rest_for(deletion, NEXT_MS);
	} else if (deletion->is_day_over) {
		end_day(deletion);
	} else {
		if (!deletion->is_counted)
			day_count_add(&deletion->day, clock_boot_ms());
		if (deletion->is_stopping)
			return;
		if (fetch_has_room(deletion->rest->fetch))
			send_delete(deletion);
		else
			send_when_room(&deletion->timer);
	}
}

/* ---- ours is read again ---- */

/* Where the folder is gone, too, the store is away rather than this file lost. */
static void run_read(struct job *job)
{
	struct upstream_deletion *deletion = container_of(job, struct upstream_deletion, job);
	const struct recording *recording = &deletion->recording;
	struct err *err = &deletion->read_err;
	struct blob_content content;
	char hex[SHA256_HEX];
	struct buf buf;

	deletion->is_whole = false;
	if (!blob_read_content(deletion->store, str_of(recording->path), recording->size,
			       &deletion->is_stopping, &content, err)) {
		if (err->kind == ERR_NOT_FOUND &&
		    !blob_has_place(deletion->store, str_of(recording->path)))
			err_set(err, ERR_INTERNAL, "the folder of its file is not there");
		return;
	}
	buf_over(&buf, hex, sizeof(hex));
	hex_add(&buf, content.sha256, sizeof(content.sha256));
	deletion->is_whole = strcmp(hex, recording->sha256) == 0;
}

static void read_done(struct job *job)
{
	struct upstream_deletion *deletion = container_of(job, struct upstream_deletion, job);
	const struct err *err = &deletion->read_err;

	if (err->text[0] != '\0' && (err->kind == ERR_SCARCE || err->kind == ERR_UNAVAILABLE)) {
		pause_all(deletion, err->text);
		return;
	}
	if (err->text[0] != '\0' && err->kind != ERR_NOT_FOUND) {
		leave_recording(deletion, err->text);
		return;
	}
	if (!deletion->is_whole)
		log_error(NULL, "recording %s: its file is not what it was: Twilio's copy stays",
			  deletion->recording.recording_sid);
	write_job(deletion, run_spare, spared);
}

static void read_ours(struct upstream_deletion *deletion)
{
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

/* ---- what time it is at Twilio ---- */

/* Its Date was heard before this; the recording is there still, or not: that is found out later. */
static void time_told(struct rest_request *request)
{
	struct upstream_deletion *deletion =
		container_of(request, struct upstream_deletion, request);
	int64_t told_ms;

	if (deletion->is_stopping)
		return;
	if (clock_guard_told(deletion->env->guard, &told_ms))
		read_ours(deletion);
	else
		pause_all(deletion, "Twilio does not say what time it is");
}

/* ---- which is next ---- */

static bool run_next(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	struct upstream_wanted wanted = { .accounts = deletion->rest->accounts,
					  .left_alone = &deletion->left_alone,
					  .loop_ms = deletion->loop_ms };
	int64_t now_ms;
	struct now now = { 0 };
	struct err untold;

	deletion->is_day_over = false;
	deletion->may_remove = purge_may_remove(deletion->env, catalog, &now_ms, err);
	if (!deletion->may_remove)
		return err->kind == ERR_UNAVAILABLE; /* the ledger was read */
	if (tell_now(deletion, &now, &untold) && !count_day(deletion, catalog, NULL, &now, err))
		return false;
	wanted.before_ms = now_ms - deletion->after_ms;
	return deletion->is_day_over ||
	       upstream_walk_next(&deletion->walk, catalog, &wanted, &deletion->recording,
				  &deletion->found, err);
}

/* Until there may be more: a new one is old enough, or one that failed may be tried again. */
static int64_t idle_ms(const struct upstream_deletion *deletion)
{
	int64_t next_ms =
		left_alone_next_ms(&deletion->left_alone, loop_now_ms(deletion->rest->loop));

	return next_ms < IDLE_MS ? next_ms : IDLE_MS;
}

static void next_found(struct ledger_job *job)
{
	struct upstream_deletion *deletion =
		container_of(job, struct upstream_deletion, ledger_job);
	int64_t told_ms;
	struct err err;

	if (!job->succeeded || !deletion->may_remove)
		rest_for(deletion, PAUSE_MS);
	else if (deletion->is_day_over)
		end_day(deletion);
	else if (deletion->found != UPSTREAM_FOUND || deletion->is_stopping)
		rest_for(deletion, deletion->found == UPSTREAM_MORE ? NEXT_MS : idle_ms(deletion));
	else if (clock_guard_told(deletion->env->guard, &told_ms))
		read_ours(deletion);
	else if (!ask(deletion, TRANSFER_GET, time_told, &err))
		leave_account(deletion, PAUSE_MOST, err.text);
}

static void begin(struct timer *timer)
{
	struct upstream_deletion *deletion = container_of(timer, struct upstream_deletion, timer);

	if (deletion->after_ms == INT64_MAX || deletion->is_stopping)
		return;
	if (!ledger_has_duties(deletion->env->ledger)) {
		timer_start(deletion->rest->loop, timer, LEDGER_DUTY_LOOK_MS, begin);
		return;
	}
	deletion->is_busy = true;
	deletion->loop_ms = loop_now_ms(deletion->rest->loop);
	deletion->ledger_job = (struct ledger_job){ .run = run_next,
						    .done = next_found,
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
