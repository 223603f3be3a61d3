#include "access/web_session.h"

#include "access/cookie.h"
#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/forwarded.h"
#include "api/json_head.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/grants.h"
#include "auth/password_change.h"
#include "auth/people.h"
#include "auth/sign_in.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/reply.h"
#include "ledger/ledger.h"

#include <sodium.h>
#include <stdlib.h>

#define BODY_SIZE 1024

/* ---- answers ---- */

static void add_user(struct json *json, const struct user *user, uint16_t rights)
{
	char text[RIGHTS_TEXT_MAX];
	struct buf names;

	buf_over(&names, text, sizeof(text));
	rights_add_text(&names, rights);
	json_open(json, "user", '{');
	json_text(json, "name", str_of(user->name));
	json_text(json, "full_name", str_of(user->full_name));
	json_text(json, "role", str_of(role_text((enum role)user->role)));
	json_text(json, "rights", buf_str(&names));
	json_close(json, '}');
}

static void begin_json(struct exchange *x, int status)
{
	reply_begin(x, status);
	json_head_add(x);
}

static void send_signed_in(struct exchange *x, const struct user *user)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	add_user(&json, user, role_rights((enum role)user->role));
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	reply_send(x, buf_str(&body));
}

/* ---- who am I ---- */

struct show {
	struct web_read read; /* first: freed as one */
	struct web_caller caller;
	bool is_known;
};

static const char *mode_text(enum auth_mode mode)
{
	static const char *const texts[] = { [AUTH_UNSET] = "",
					     [AUTH_PASSWORD] = "password",
					     [AUTH_PROXY] = "proxy",
					     [AUTH_NONE] = "none" };

	return texts[mode];
}

static bool make_show(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	struct show *show = container_of(read, struct show, read);
	struct user user = { .role = ROLE_ADMIN };

	if (show->caller.known.user_id != 0 &&
	    !users_find(catalog, (int64_t)show->caller.known.user_id, &user, err)) {
		if (err->kind != ERR_NOT_FOUND)
			return false;
		show->is_known = false;
	}
	json_open(json, NULL, '{');
	json_text(json, "auth", str_of(mode_text(read->web->auth->options.mode)));
	json_bool(json, "signed_in", show->is_known);
	if (show->is_known)
		add_user(json, &user, show->caller.known.rights);
	json_close(json, '}');
	return true;
}

void web_session_show(struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);
	struct show *show = xcalloc(1, sizeof(*show));

	show->is_known = caller != NULL;
	if (caller)
		show->caller = *caller;
	show->read.make = make_show;
	web_read_start(&show->read, x);
}

/* ---- signing in ---- */

struct begin {
	struct parked parked;
	struct sign_in_waiter waiter;
	struct exchange *x;
};

static void set_session(struct exchange *x, const struct credential *session, int64_t max_age_s)
{
	cookie_set(x, COOKIE_SESSION, session->text, max_age_s, NULL);
}

static void reply_good(struct exchange *x, const struct sign_in_waiter *waiter)
{
	begin_json(x, 200);
	set_session(x, &waiter->session, waiter->max_age_s);
	if (waiter->device.text[0] != '\0')
		cookie_set(x, COOKIE_DEVICE, waiter->device.text, waiter->device_max_age_s, NULL);
	send_signed_in(x, &waiter->user);
}

static void begin_answered(struct sign_in_waiter *waiter, enum sign_in_result result)
{
	struct begin *begin = container_of(waiter, struct begin, waiter);
	struct exchange *x = begin->x;

	counter_add(&web_local_of(x)->counts.sign_ins[result], 1);
	switch (result) {
	case SIGN_IN_GOOD:
		reply_good(x, waiter);
		break;
	case SIGN_IN_WRONG:
		web_refuse_detailed(x, WEB_SIGN_IN_FAILED, NULL, WEB_NO_RETRY,
				    &(struct web_detail){ .name = "tries_left",
							  .number = waiter->tries_left });
		break;
	case SIGN_IN_THROTTLED:
		web_refuse_throttled(x, waiter->throttled_name[0] ? LIMIT_ACCOUNT : LIMIT_NETWORK,
				     waiter->throttled_name, waiter->wait_ms);
		break;
	case SIGN_IN_LOCKED:
		web_refuse_locked(x, waiter->throttled_name);
		break;
	case SIGN_IN_BUSY:
		web_refuse(x, WEB_OVERLOADED, NULL, WEB_NO_RETRY);
		break;
	case SIGN_IN_FAILED:
		web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
		break;
	}
	sodium_memzero(begin, sizeof(*begin));
	free(begin);
}

static void begin_gone(struct parked *parked)
{
	struct begin *begin = container_of(parked, struct begin, parked);

	sign_in_leave(&begin->waiter);
	free(begin);
}

/* Where people sign in elsewhere, or not at all. */
static bool may_begin(struct exchange *x)
{
	const struct auth *auth = web_local_of(x)->web->auth;

	if (auth->options.mode != AUTH_PASSWORD) {
		web_refuse_forbidden(x, WEB_FORBIDDEN, "Nobody signs in here with a password.");
		return false;
	}
	if (!cookie_may_sign_in(x)) {
		web_refuse_forbidden(x, WEB_HTTPS_REQUIRED, NULL);
		return false;
	}
	return true;
}

void web_session_begin(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	char name[USER_NAME_SIZE];
	struct sign_in_request request;
	struct begin *begin;
	struct err err;
	json_t *body;

	if (!may_begin(x) || !(body = web_json_body(x)))
		return;
	request = (struct sign_in_request){
		.name = web_json_text(body, "name"),
		.password = web_json_text(body, "password"),
		.device = cookie_of(x, COOKIE_DEVICE),
		.session = cookie_of(x, COOKIE_SESSION),
		.address = forwarded_client(x),
		.agent = http_request_header(&x->request, STR("User-Agent")),
	};
	if (!request.name.at || !request.password.at || request.password.len > PASSWORD_SIZE_MAX) {
		json_decref(body);
		web_refuse(x, WEB_BAD_REQUEST, "Give name and password.", WEB_NO_RETRY);
		return;
	}
	/* What could be no name is nobody's: the same way, so that the answer takes as long. */
	if (people_name(request.name, name, &err))
		request.name = str_of(name);
	begin = xcalloc(1, sizeof(*begin));
	*begin = (struct begin){ .parked = { .gone = begin_gone },
				 .waiter = { .answered = begin_answered },
				 .x = x };
	sign_in_start(local->web->auth, local->mailbox, &request, &begin->waiter);
	web_json_wipe(body, "password");
	json_decref(body);
	web_json_wipe_body(x);
	exchange_park(x, &begin->parked);
}

/* ---- signing out ---- */

struct end {
	struct ledger_job job;
	struct parked parked;
	struct auth *auth;
	struct auth_actor actor;
	int64_t credential_id;
	struct exchange *x; /* NULL: the client is gone */
};

static bool run_end(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct end *end = container_of(job, struct end, job);

	auth_tell_credential(job, end->credential_id);
	if (!credentials_end(catalog, end->credential_id, err))
		return err->kind == ERR_NOT_FOUND; /* ended elsewhere: it is over all the same */
	return auth_audit(end->auth, catalog, &end->actor, "signed_out", NULL, NULL, err);
}

static void reply_ended(struct exchange *x)
{
	begin_json(x, 200);
	cookie_set(x, COOKIE_SESSION, "", 0, NULL);
	reply_send(x, STR("{\"success\":true}\n"));
}

static void end_done(struct ledger_job *job)
{
	struct end *end = container_of(job, struct end, job);

	if (end->x && job->succeeded)
		reply_ended(end->x);
	else if (end->x)
		web_refuse_change(end->x, &job->err, WEB_NOT_FOUND, WEB_INTERNAL);
	free(end);
}

static void end_gone(struct parked *parked)
{
	container_of(parked, struct end, parked)->x = NULL;
}

void web_session_end(struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);
	struct end *end;

	if (!caller || caller->known.kind != CREDENTIAL_SESSION ||
	    caller->known.credential_id == 0) {
		reply_ended(x); /* nobody is signed in: the cookie goes */
		return;
	}
	end = xcalloc(1, sizeof(*end));
	end->auth = local->web->auth;
	end->credential_id = (int64_t)caller->known.credential_id;
	end->x = x;
	web_actor_of(x, &end->actor);
	end->parked.gone = end_gone;
	end->job = (struct ledger_job){ .run = run_end, .done = end_done, .reply = local->mailbox };
	exchange_park(x, &end->parked);
	ledger_write(local->web->ledger, &end->job);
}

/* ---- passwords ---- */

struct change {
	struct parked parked;
	struct password_change_waiter waiter;
	struct exchange *x;
};

static void refuse_password(struct exchange *x, enum password_fault fault)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", false);
	json_text(&json, "error", str_of(password_fault_text(fault)));
	json_text(&json, "code", STR("password_refused"));
	json_text(&json, "reason", str_of(password_fault_code(fault)));
	if (fault == PASSWORD_TOO_SHORT)
		json_int(&json, "min", web_local_of(x)->web->auth->options.password_min);
	json_text(&json, "request_id", str_of(x->id));
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	begin_json(x, 422);
	reply_send(x, buf_str(&body));
}

static void reply_changed(struct exchange *x, const struct password_change_waiter *waiter)
{
	begin_json(x, 200);
	if (waiter->session.text[0] != '\0')
		set_session(x, &waiter->session, waiter->max_age_s);
	send_signed_in(x, &waiter->user);
}

static void change_answered(struct password_change_waiter *waiter,
			    enum password_change_result result)
{
	struct change *change = container_of(waiter, struct change, waiter);
	struct exchange *x = change->x;

	switch (result) {
	case PASSWORD_CHANGED:
		reply_changed(x, waiter);
		break;
	case PASSWORD_NOT_INVITED:
		web_refuse(x, WEB_LINK_NOT_FOUND, "The invitation was used, or is no longer valid.",
			   WEB_NO_RETRY);
		break;
	case PASSWORD_NAME_REFUSED:
		web_refuse(x, WEB_BAD_REQUEST, waiter->err.text, WEB_NO_RETRY);
		break;
	case PASSWORD_NAME_TAKEN:
		web_refuse(x, WEB_NAME_TAKEN, NULL, WEB_NO_RETRY);
		break;
	case PASSWORD_REFUSED:
		refuse_password(x, waiter->fault);
		break;
	case PASSWORD_CURRENT_WRONG:
		web_refuse(x, WEB_SIGN_IN_FAILED, "The current password is wrong.", WEB_NO_RETRY);
		break;
	case PASSWORD_CHANGE_THROTTLED:
		web_refuse_throttled(x, LIMIT_PASSWORD, NULL, waiter->wait_ms);
		break;
	case PASSWORD_CHANGE_BUSY:
		web_refuse(x, WEB_OVERLOADED, NULL, WEB_NO_RETRY);
		break;
	case PASSWORD_CHANGE_FAILED:
		web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
		break;
	}
	sodium_memzero(change, sizeof(*change));
	free(change);
}

static void change_gone(struct parked *parked)
{
	struct change *change = container_of(parked, struct change, parked);

	password_change_leave(&change->waiter);
	free(change);
}

/* Takes the body: its passwords are wiped. */
static void start_change(struct exchange *x, json_t *body,
			 const struct password_change_request *request)
{
	struct web_local *local = web_local_of(x);
	struct change *change = xcalloc(1, sizeof(*change));

	*change = (struct change){ .parked = { .gone = change_gone },
				   .waiter = { .answered = change_answered },
				   .x = x };
	password_change_start(local->web->auth, local->mailbox, request, &change->waiter);
	web_json_wipe(body, "password");
	web_json_wipe(body, "current");
	web_json_wipe(body, "invitation");
	json_decref(body);
	web_json_wipe_body(x);
	exchange_park(x, &change->parked);
}

static bool is_password(struct str text)
{
	return text.at && text.len <= PASSWORD_SIZE_MAX;
}

void web_session_password(struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);
	struct password_change_request request;
	json_t *body;

	if (!caller || caller->known.kind != CREDENTIAL_SESSION) {
		web_refuse_forbidden(x, WEB_FORBIDDEN, "A password is changed in a session.");
		return;
	}
	if (!may_begin(x) || !(body = web_json_body(x)))
		return;
	request = (struct password_change_request){ .user_id = (int64_t)caller->known.user_id,
						    .current = web_json_text(body, "current"),
						    .password = web_json_text(body, "password"),
						    .address = forwarded_client(x) };
	if (is_password(request.current) && is_password(request.password)) {
		start_change(x, body, &request);
		return;
	}
	json_decref(body);
	web_refuse(x, WEB_BAD_REQUEST, "Give current and password.", WEB_NO_RETRY);
}

void web_session_end_others(struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);
	struct password_change_request request;
	json_t *body;

	if (!caller || caller->known.kind != CREDENTIAL_SESSION ||
	    caller->known.credential_id == 0) {
		web_refuse_forbidden(x, WEB_FORBIDDEN, "Other sessions are ended in a session.");
		return;
	}
	if (!may_begin(x) || !(body = web_json_body(x)))
		return;
	request = (struct password_change_request){
		.user_id = (int64_t)caller->known.user_id,
		.only_session_id = (int64_t)caller->known.credential_id,
		.current = web_json_text(body, "current"),
		.address = forwarded_client(x),
	};
	if (is_password(request.current)) {
		start_change(x, body, &request);
		return;
	}
	json_decref(body);
	web_refuse(x, WEB_BAD_REQUEST, "Give current.", WEB_NO_RETRY);
}

void web_join(struct exchange *x)
{
	struct password_change_request request;
	json_t *body;

	if (!may_begin(x) || !(body = web_json_body(x)))
		return;
	request = (struct password_change_request){ .invitation = web_json_text(body, "invitation"),
						    .name = web_json_text(body, "name"),
						    .password = web_json_text(body, "password"),
						    .address = forwarded_client(x) };
	if (request.invitation.len > 0 && is_password(request.password)) {
		start_change(x, body, &request);
		return;
	}
	json_decref(body);
	web_refuse(x, WEB_BAD_REQUEST, "Give invitation and password.", WEB_NO_RETRY);
}
