#include "web/web_recording_change.h"

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
#include "base/utf8.h"
#include "catalog/recordings.h"
#include "catalog/recordings_hold.h"
#include "catalog/removals.h"
#include "live/recording_json.h"
#include "twilio/sid.h"

#include <stdlib.h>

#define BODY_SIZE 4096

struct change {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	const struct auth *auth;
	struct auth_actor actor;
	char recording_sid[SID_SIZE];
	char reason[HOLD_REASON_SIZE];
	struct recording recording; /* as it is then */
};

/* ---- on the writer ---- */

/* What loops and the page hear of. */
static void tell(struct change *change, unsigned what)
{
	struct projection_change *told = &change->job.change;

	told->what = what;
	memcpy(told->recording_sid, change->recording.recording_sid, SID_SIZE);
	memcpy(told->call_sid, change->recording.call_sid, SID_SIZE);
	memcpy(told->account_sid, change->recording.account_sid, SID_SIZE);
}

static bool look(struct change *change, struct catalog *catalog, struct err *err)
{
	change->job.change.what = 0;
	return recordings_find(catalog, str_of(change->recording_sid), &change->recording, err);
}

/* Once it is changed: in the audit, and as it is now. */
static bool enter(struct change *change, struct catalog *catalog, const char *kind,
		  const char *body, struct err *err)
{
	return auth_audit(change->auth, catalog, &change->actor, kind, change->recording_sid, body,
			  err) &&
	       recordings_find(catalog, str_of(change->recording_sid), &change->recording, err);
}

static bool write_hold_body(const struct change *change, char *room, size_t size, struct err *err)
{
	struct buf body;
	struct json json;

	buf_over(&body, room, size);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_text(&json, "reason", change->reason[0] ? str_of(change->reason) : STR_NONE);
	json_close(&json, '}');
	return buf_ok(&body) || err_set(err, ERR_INVALID, "The reason is too long.");
}

static bool run_hold(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct change *change = container_of(job, struct change, job);
	char by[HOLD_BY_SIZE], body[AUDIT_BODY_SIZE];
	struct recording_hold hold = { .at_ms = clock_wall_ms(), .reason = str_of(change->reason) };
	bool to_fetch;

	if (!look(change, catalog, err) ||
	    !auth_actor_name(catalog, &change->actor, by, sizeof(by), err) ||
	    !write_hold_body(change, body, sizeof(body), err))
		return false;
	if (change->recording.is_held && strcmp(change->recording.hold_by, by) == 0 &&
	    strcmp(change->recording.hold_reason, change->reason) == 0)
		return true;
	hold.by = str_of(by);
	if (!recordings_hold(catalog, str_of(change->recording_sid), &hold, &to_fetch, err))
		return false;
	tell(change, PROJECTED_RECORDING | (to_fetch ? PROJECTED_TO_FETCH : 0));
	return enter(change, catalog, "hold_set", body, err);
}

static bool run_lift(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct change *change = container_of(job, struct change, job);

	if (!look(change, catalog, err))
		return false;
	if (!change->recording.is_held)
		return true;
	if (!recordings_lift_hold(catalog, str_of(change->recording_sid), err))
		return false;
	tell(change, PROJECTED_RECORDING);
	return enter(change, catalog, "hold_lifted", NULL, err);
}

static bool run_delete(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct change *change = container_of(job, struct change, job);

	if (!look(change, catalog, err))
		return false;
	if (recording_is_removed(change->recording.state))
		return true;
	if (!recordings_mark_deleted(catalog, str_of(change->recording_sid), clock_wall_ms(), err))
		return false;
	tell(change, PROJECTED_RECORDING | PROJECTED_REMOVED);
	return enter(change, catalog, "recording_deleted", NULL, err);
}

/* ---- the answer ---- */

static void reply(const struct change *change)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "recording_sid", str_of(change->recording.recording_sid));
	json_text(&json, "state", str_of(recording_state_text(change->recording.state)));
	recording_json_hold(&json, &change->recording);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(change->x, buf_str(&body));
}

static void done(struct ledger_job *job)
{
	AUTO(free) struct change *change = container_of(job, struct change, job);

	if (!change->x)
		return;
	if (job->succeeded)
		reply(change);
	else if (job->err.kind == ERR_NOT_FOUND)
		web_refuse_missing(change->x, WEB_RECORDING_NOT_FOUND, NULL);
	else
		web_refuse_change(change->x, &job->err, WEB_RECORDING_NOT_FOUND, WEB_CONFLICT);
}

/* ---- the routes ---- */

static void client_gone(struct parked *parked)
{
	container_of(parked, struct change, parked)->x = NULL;
}

static void write_change(struct exchange *x, struct str reason,
			 bool (*run)(struct ledger_job *job, struct catalog *catalog,
				     struct err *err))
{
	struct web_local *local = web_local_of(x);
	char room[SID_PARAM_SIZE];
	struct str sid = sid_param(x->request.params[0], room);
	struct change *change;

	if (!sid_is_recording(sid)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return;
	}
	change = xcalloc(1, sizeof(*change));
	str_fit(sid, change->recording_sid, SID_SIZE);
	str_fit(reason, change->reason, sizeof(change->reason));
	change->x = x;
	change->parked.gone = client_gone;
	change->auth = local->web->auth;
	web_actor_of(x, &change->actor);
	change->job = (struct ledger_job){ .run = run, .done = done, .reply = local->mailbox };
	exchange_park(x, &change->parked);
	ledger_write(local->web->ledger, &change->job);
}

/* One line, as it is shown beside the recording. */
static bool is_reason(struct str reason)
{
	AUTO(free) char *plain = utf8_plain(reason);

	return reason.len < HOLD_REASON_SIZE && utf8_is_text(reason) &&
	       str_eq(str_of(plain), reason);
}

void web_recording_hold(struct exchange *x)
{
	json_t *body = web_json_body(x);
	const json_t *told;
	struct str reason;

	if (!body)
		return;
	told = json_object_get(body, "reason");
	reason = str_trim(web_json_text(body, "reason"));
	if (told && !json_is_null(told) && (!json_is_string(told) || !is_reason(reason)))
		web_refuse(x, WEB_BAD_REQUEST, "reason is a line of text of at most 300 bytes.",
			   WEB_NO_RETRY);
	else
		write_change(x, reason, run_hold);
	json_decref(body);
}

void web_recording_lift_hold(struct exchange *x)
{
	write_change(x, STR_NONE, run_lift);
}

void web_recording_delete(struct exchange *x)
{
	write_change(x, STR_NONE, run_delete);
}
