/*
 * One write a recording: a change that loops are told of names one.  Those of a call follow each other.
 */
#include "web/web_retry.h"

#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "dispatch/fetcher.h"
#include "twilio/sid.h"

#include <stdlib.h>

#define RECORDINGS_MAX 200 /* of one call, as everywhere */
#define BODY_SIZE      (RECORDINGS_MAX * (SID_SIZE + 4) + 96)

#define RETRIED_STATES                                                            \
	(BIT(RECORDING_QUEUED) | BIT(RECORDING_WAITING) | BIT(RECORDING_ABSENT) | \
	 BIT(RECORDING_DEAD) | BIT(RECORDING_GONE))

struct retry {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	struct ledger *ledger;
	struct fetcher *fetcher;
	struct mailbox *reply;
	const struct auth *auth;
	struct auth_actor actor;
	char request_id[REQUEST_ID_SIZE];
	char call_sid[SID_SIZE]; /* "": of one recording */
	size_t count, at, queued;
	char recordings[RECORDINGS_MAX][SID_SIZE];
	bool is_queued[RECORDINGS_MAX];
};

static void write_next(struct retry *retry);

static void add_recordings(struct json *json, const char *key, const struct retry *retry,
			   bool is_queued)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < retry->count; i++)
		if (retry->is_queued[i] == is_queued)
			json_text(json, NULL, str_of(retry->recordings[i]));
	json_close(json, ']');
}

static void reply_queued(const struct retry *retry)
{
	AUTO(free) char *text = xmalloc(BODY_SIZE);
	struct json json;
	struct buf body;

	buf_over(&body, text, BODY_SIZE);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	add_recordings(&json, "queued", retry, true);
	add_recordings(&json, "passed_over", retry, false);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(retry->x, buf_str(&body));
}

static void refuse(const struct retry *retry, const struct err *err)
{
	enum web_error missing = retry->call_sid[0] != '\0' ? WEB_CALL_NOT_FOUND
							    : WEB_RECORDING_NOT_FOUND;

	if (err->kind == ERR_NOT_FOUND)
		web_refuse_missing(retry->x, missing, NULL);
	else
		web_refuse_change(retry->x, err, missing, WEB_CONFLICT);
}

static void end(struct retry *retry, const struct err *err)
{
	if (retry->x && err)
		refuse(retry, err);
	else if (retry->x)
		reply_queued(retry);
	free(retry);
}

/* ---- each recording ---- */

static bool run_requeue(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct retry *retry = container_of(job, struct retry, job);
	struct str sid = str_of(retry->recordings[retry->at]);
	struct recording recording;

	if (!recordings_find(catalog, sid, &recording, err))
		return false;
	if (!(RETRIED_STATES & BIT(recording.state)))
		return err_set(err, ERR_CONFLICT, "The recording is %s: there is nothing to retry.",
			       recording_state_text(recording.state));
	job->change.what = PROJECTED_RECORDING | PROJECTED_TO_FETCH;
	memcpy(job->change.recording_sid, recording.recording_sid, SID_SIZE);
	memcpy(job->change.call_sid, recording.call_sid, SID_SIZE);
	memcpy(job->change.account_sid, recording.account_sid, SID_SIZE);
	/* One that is queued is left as it is, and there is no change to tell of. */
	if (recording.state == RECORDING_QUEUED)
		job->change.what = 0;
	return recordings_requeue(catalog, sid, clock_wall_ms(), err) &&
	       recordings_set_request(catalog, sid, str_of(retry->request_id), err) &&
	       auth_audit(retry->auth, catalog, &retry->actor, "retried", recording.recording_sid,
			  NULL, err);
}

static void requeued(struct ledger_job *job)
{
	struct retry *retry = container_of(job, struct retry, job);
	struct err err = job->err;

	/* One that was stored meanwhile stands in nobody's way; where that is all of them, it is the answer. */
	bool is_passed_over = !job->succeeded && err.kind == ERR_CONFLICT &&
			      (retry->queued > 0 || retry->at + 1 < retry->count);

	if (!job->succeeded && !is_passed_over) {
		end(retry, &err);
		return;
	}
	/* When the client is gone the server may be stopping, and the fetching loop with it. */
	if (retry->x && job->succeeded)
		fetcher_retry(retry->fetcher, retry->recordings[retry->at], retry->request_id);
	retry->is_queued[retry->at++] = job->succeeded;
	retry->queued += job->succeeded;
	write_next(retry);
}

static void write_next(struct retry *retry)
{
	if (retry->at == retry->count) {
		end(retry, NULL);
		return;
	}
	retry->job =
		(struct ledger_job){ .run = run_requeue, .done = requeued, .reply = retry->reply };
	ledger_write(retry->ledger, &retry->job);
}

/* ---- those of a call ---- */

static bool run_find(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct retry *retry = container_of(job, struct retry, job);
	AUTO(free)
	struct recording *recordings = xcalloc(RECORDINGS_MAX, sizeof(*recordings));
	struct str call_sid = str_of(retry->call_sid);
	struct call call;
	size_t found;

	if (!calls_find(catalog, call_sid, &call, err) ||
	    !recordings_list_of_call(catalog, call_sid, recordings, RECORDINGS_MAX, &found, err))
		return false;
	retry->count = 0;
	for (size_t i = 0; i < found; i++)
		if (RETRIED_STATES & BIT(recordings[i].state))
			memcpy(retry->recordings[retry->count++], recordings[i].recording_sid,
			       SID_SIZE);
	return retry->count > 0 ||
	       err_set(err, ERR_CONFLICT, "No recording of the call has failed or waits.");
}

static void found_all(struct ledger_job *job)
{
	struct retry *retry = container_of(job, struct retry, job);
	struct err err = job->err;

	if (job->succeeded)
		write_next(retry);
	else
		end(retry, &err);
}

/* ---- the routes ---- */

static void client_gone(struct parked *parked)
{
	container_of(parked, struct retry, parked)->x = NULL;
}

static struct retry *retry_new(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct retry *retry = xcalloc(1, sizeof(*retry));

	retry->x = x;
	str_fit(str_of(x->id), retry->request_id, sizeof(retry->request_id));
	retry->parked.gone = client_gone;
	retry->ledger = local->web->ledger;
	retry->fetcher = local->web->fetcher;
	retry->reply = local->mailbox;
	retry->auth = local->web->auth;
	web_actor_of(x, &retry->actor);
	exchange_park(x, &retry->parked);
	return retry;
}

void web_recording_retry(struct exchange *x)
{
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[0], room);
	struct retry *retry;

	if (!sid_is_recording(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	retry = retry_new(x);
	str_fit(sid, retry->recordings[0], SID_SIZE);
	retry->count = 1;
	write_next(retry);
}

void web_call_retry(struct exchange *x)
{
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[0], room);
	struct retry *retry;

	if (!sid_is_call(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a call SID: CA and 32 hexadecimal digits.", WEB_NO_RETRY);
		return;
	}
	retry = retry_new(x);
	str_fit(sid, retry->call_sid, SID_SIZE);
	retry->job =
		(struct ledger_job){ .run = run_find, .done = found_all, .reply = retry->reply };
	ledger_read(retry->ledger, &retry->job);
}
