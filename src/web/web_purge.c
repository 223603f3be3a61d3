#include "web/web_purge.h"

#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/auth.h"
#include "base/json.h"
#include "base/mem.h"
#include "chores/removals_due.h"
#include "event/loop.h"
#include "ledger/ledger.h"
#include "purge/clock_guard.h"
#include "purge/purge.h"
#include "purge/purge_pause.h"

#include <stdlib.h>
#include <string.h>

#define BODY_SIZE 1024
#define FILES_MS  100 /* between two looks whether the files are gone */
#define FILES_LOOKS \
	50 /* then it is told that they are not: the disk is slow, or there are very many */
#define CLOCK_WAIT_S 10 /* until Twilio may have answered */

/* ---- looking ---- */

static void add_row(struct json *json, const struct age_row *row)
{
	json_open(json, NULL, '{');
	json_text(json, "recording_sid", str_of(row->recording_sid));
	json_text(json, "call_sid", row->call_sid[0] ? str_of(row->call_sid) : STR_NONE);
	json_date(json, "started_at", row->kept.started_at_ms);
	json_int(json, "size", (int64_t)row->size);
	json_close(json, '}');
}

static void add_preview(struct json *json, const struct purge_preview *preview)
{
	char pause[sizeof(preview->clock.text)];

	purge_pause_text(&preview->pause, pause, sizeof(pause));
	json_open(json, NULL, '{');
	json_int(json, "recordings", preview->count);
	json_int(json, "bytes", (int64_t)preview->bytes);
	json_open(json, "oldest", '[');
	for (size_t i = 0; i < preview->first_count; i++)
		add_row(json, &preview->first[i]);
	json_close(json, ']');
	json_date(json, "next_at", preview->next_at_ms);
	json_text(json, "clock", preview->clock.text[0] ? str_of(preview->clock.text) : STR_NONE);
	json_text(json, "pause", pause[0] ? str_of(pause) : STR_NONE);
	json_bool(json, "files_left", preview->has_files);
	json_close(json, '}');
}

static bool make_preview(struct web_read *read, struct catalog *catalog, struct json *json,
			 struct err *err)
{
	AUTO(free) struct purge_preview *preview = xcalloc(1, sizeof(*preview));

	if (!purge_look(read->web->purge, catalog, preview, err))
		return false;
	add_preview(json, preview);
	return true;
}

void web_purge_look(struct exchange *x)
{
	struct web_read *read = xcalloc(1, sizeof(*read));

	read->make = make_preview;
	read->not_found = WEB_INTERNAL;
	web_read_start(read, x);
}

/* ---- removing ---- */

struct purging {
	struct purge_run run;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	struct loop *loop;
	const struct web *web;
	struct auth_actor actor;
	bool trusts_clock, resumes;
	struct ledger_job job; /* of a person's word, of the audit, then of looking for files */
	struct timer timer;
	unsigned looks;
	bool has_files;
};

static void reply(const struct purging *purging)
{
	const struct purge_run *run = &purging->run;
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_int(&json, "removed", run->purged);
	json_int(&json, "bytes", (int64_t)run->bytes);
	json_int(&json, "failed", run->failed);
	json_text(&json, "failure", run->err.text[0] ? str_of(run->err.text) : STR_NONE);
	json_bool(&json, "files_left", purging->has_files);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(purging->x, buf_str(&body));
}

static void refuse(const struct purging *purging, const struct err *err)
{
	if (purging->run.is_paused)
		web_refuse(purging->x, WEB_CONFLICT, err->text, 0);
	else if (err->kind == ERR_UNAVAILABLE)
		web_refuse(purging->x, WEB_UPSTREAM_UNAVAILABLE, err->text, CLOCK_WAIT_S);
	else
		web_refuse_change(purging->x, err, WEB_INTERNAL, WEB_CONFLICT);
}

static bool run_look_for_files(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return removals_are_due(catalog, &container_of(job, struct purging, job)->has_files, err);
}

static void look_for_files(struct timer *timer);

static void looked(struct ledger_job *job)
{
	struct purging *purging = container_of(job, struct purging, job);

	if (purging->x && job->succeeded && purging->has_files && ++purging->looks < FILES_LOOKS) {
		timer_start(purging->loop, &purging->timer, FILES_MS, look_for_files);
		return;
	}
	if (purging->x)
		reply(purging);
	free(purging);
}

static void look_for_files(struct timer *timer)
{
	struct purging *purging = container_of(timer, struct purging, timer);

	purging->job = (struct ledger_job){ .run = run_look_for_files,
					    .done = looked,
					    .reply = purging->run.mailbox };
	ledger_read(purging->web->ledger, &purging->job);
}

/* Who asked for it, and what came of it; each recording has an entry of its own beside this. */
static bool run_audit(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct purging *purging = container_of(job, struct purging, job);
	const struct purge_run *run = &purging->run;
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_int(&json, "removed", run->purged);
	json_int(&json, "bytes", (int64_t)run->bytes);
	json_int(&json, "failed", run->failed);
	json_text(&json, "failure", run->err.text[0] ? str_of(run->err.text) : STR_NONE);
	json_close(&json, '}');
	return auth_audit(purging->web->auth, catalog, &purging->actor, "purge_asked", NULL, text,
			  err);
}

static void audited(struct ledger_job *job)
{
	struct purging *purging = container_of(job, struct purging, job);
	struct purge_run *run = &purging->run;

	if (!job->succeeded && run->err.text[0] == '\0')
		run->err = job->err;
	if (purging->x && (run->err.text[0] == '\0' || run->purged > 0 || run->failed > 0)) {
		look_for_files(&purging->timer);
		return;
	}
	if (purging->x)
		refuse(purging, &run->err);
	free(purging);
}

/* Though the client may be gone. */
static void run_done(struct purge_run *run)
{
	struct purging *purging = container_of(run, struct purging, run);

	purging->job = (struct ledger_job){ .run = run_audit,
					    .done = audited,
					    .reply = purging->run.mailbox };
	ledger_write(purging->web->ledger, &purging->job);
}

static bool resume(const struct purging *purging, struct catalog *catalog, struct err *err)
{
	bool was;

	return purge_pause_end(catalog, &was, err) &&
	       (!was || auth_audit(purging->web->auth, catalog, &purging->actor, "purge_resumed",
				   NULL, NULL, err));
}

static bool run_word(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct purging *purging = container_of(job, struct purging, job);
	const struct web *web = purging->web;

	if (purging->trusts_clock &&
	    (!clock_guard_trust(web->purge->guard, catalog, err) ||
	     !auth_audit(web->auth, catalog, &purging->actor, "clock_trusted", NULL, NULL, err)))
		return false;
	return !purging->resumes || resume(purging, catalog, err);
}

static void word_written(struct ledger_job *job)
{
	struct purging *purging = container_of(job, struct purging, job);

	if (job->succeeded && purging->x) {
		purge_run_start(&purging->run);
		return;
	}
	if (purging->x)
		refuse(purging, &job->err);
	free(purging);
}

/* What is under way ends behind its page, and is freed then. */
static void client_gone(struct parked *parked)
{
	struct purging *purging = container_of(parked, struct purging, parked);

	purging->x = NULL;
	purging->run.is_stopping = true;
	if (timer_is_on(&purging->timer)) {
		timer_stop(&purging->timer);
		free(purging);
	}
}

static void begin(struct purging *purging)
{
	if (!purging->trusts_clock && !purging->resumes) {
		purge_run_start(&purging->run);
		return;
	}
	purging->job = (struct ledger_job){ .run = run_word,
					    .done = word_written,
					    .reply = purging->run.mailbox };
	ledger_write(purging->web->ledger, &purging->job);
}

void web_purge_now(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "trust_clock", WEB_JSON_BOOL },
		{ "resume", WEB_JSON_BOOL },
		{ 0 },
	};
	struct web_local *local = web_local_of(x);
	json_t *body = web_json_body_of(x, members);
	struct purging *purging;

	if (!body)
		return;
	purging = xcalloc(1, sizeof(*purging));
	purging->trusts_clock = json_is_true(json_object_get(body, "trust_clock"));
	purging->resumes = json_is_true(json_object_get(body, "resume"));
	json_decref(body);
	purging->x = x;
	purging->loop = local->loop;
	purging->web = local->web;
	purging->parked.gone = client_gone;
	web_actor_of(x, &purging->actor);
	purging->run.env = local->web->purge;
	purging->run.mailbox = local->mailbox;
	purging->run.done = run_done;
	exchange_park(x, &purging->parked);
	begin(purging);
}
