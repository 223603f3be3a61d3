#include "access/web_grants.h"

#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/grants.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/form.h"
#include "http/http_parse.h"
#include "ledger/ledger.h"
#include "twilio/sid.h"

#include <sodium.h>
#include <stdlib.h>

#define PAGE      200
#define BODY_SIZE 2048

/* ---- lists ---- */

struct listing {
	struct web_read read; /* first: freed as one */
	enum credential_kind kind;
	bool is_of_all;
	int64_t made_by;           /* else whose: 0 of tokens that no user stands behind */
	int64_t before_id;         /* 0: from the newest */
	char user[USER_NAME_SIZE]; /* sessions of this user alone; "": everybody's */
};

static void add_rights(struct json *json, const struct credential_row *row)
{
	char text[RIGHTS_TEXT_MAX];
	struct buf names;

	buf_over(&names, text, sizeof(text));
	rights_add_text(&names, row->rights);
	json_text(json, "rights", buf_str(&names));
}

static void add_link(struct json *json, const struct credential_row *row)
{
	json_text(json, "recording_sid", str_of(row->recording_sid));
	json_int(json, "plays", row->plays);
	if (row->plays_max)
		json_int(json, "plays_max", row->plays_max);
	json_bool(json, "show_numbers", row->options & CREDENTIAL_SHOWS_NUMBERS);
	json_bool(json, "whole_call", row->options & CREDENTIAL_WHOLE_CALL);
	json_text(json, "note", str_of(row->note));
}

static void add_session(struct json *json, const struct credential_row *row, const char *user)
{
	json_text(json, "user", str_of(user));
	json_text(json, "network", str_of(row->network));
	json_text(json, "agent", str_of(row->agent));
	json_date(json, "seen_at", row->seen_at_ms);
}

static void add_token(struct json *json, const struct credential_row *row)
{
	add_rights(json, row);
	json_date(json, "seen_at", row->seen_at_ms);
	json_text(json, "note", str_of(row->note));
}

static void add_row(struct json *json, const struct credential_row *row, const char *user)
{
	json_open(json, NULL, '{');
	json_text(json, "name", str_of(row->name));
	if (row->kind == CREDENTIAL_LINK)
		add_link(json, row);
	else if (row->kind == CREDENTIAL_SESSION)
		add_session(json, row, user);
	else
		add_token(json, row);
	json_date(json, "made_at", row->made_at_ms);
	json_date(json, "expires_at", row->expires_at_ms);
	json_close(json, '}');
}

static const char *list_name(enum credential_kind kind)
{
	if (kind == CREDENTIAL_LINK)
		return "links";
	return kind == CREDENTIAL_SESSION ? "sessions" : "tokens";
}

/* Whose sessions are asked for: an account of ours, or one that a proxy names.  0: everybody's. */
static bool find_owner(const struct listing *list, struct catalog *catalog, int64_t *out_id,
		       struct err *err)
{
	struct str name = str_of(list->user);
	struct user user = { .id = 0 };

	if (name.len > 0 && !users_find_name(catalog, USER_OWN, name, &user, err) &&
	    (err->kind != ERR_NOT_FOUND ||
	     !users_find_name(catalog, USER_BY_PROXY, name, &user, err)))
		return false;
	*out_id = user.id;
	return true;
}

/* Rows of one user come one behind the other more often than not: *user is the last that was found. */
static bool find_user(struct catalog *catalog, const struct credential_row *row, struct user *user,
		      struct err *err)
{
	if (row->kind != CREDENTIAL_SESSION || row->user_id == user->id)
		return true;
	*user = (struct user){ .id = 0 };
	return users_find(catalog, row->user_id, user, err) || err->kind == ERR_NOT_FOUND;
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	struct listing *list = container_of(read, struct listing, read);
	AUTO(free) struct credential_row *rows = xcalloc(PAGE, sizeof(*rows));
	struct user user = { .id = 0 };
	int64_t owner_id;
	size_t count;

	if (!find_owner(list, catalog, &owner_id, err) ||
	    !credentials_list(catalog, list->kind, owner_id, list->before_id, rows, PAGE, &count,
			      err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, list_name(list->kind), '[');
	for (size_t i = 0; i < count; i++) {
		if (!list->is_of_all && rows[i].made_by != list->made_by)
			continue;
		if (!find_user(catalog, &rows[i], &user, err))
			return false;
		add_row(json, &rows[i], user.name);
	}
	json_close(json, ']');
	if (count == PAGE)
		json_int(json, "next", rows[count - 1].id);
	else
		json_nothing(json, "next");
	json_close(json, '}');
	return true;
}

static bool may_all(const struct web_caller *caller)
{
	return caller->known.rights & RIGHT_ADMIN;
}

/* False: it was refused. */
static bool read_query(struct exchange *x, struct listing *list)
{
	struct str rest = x->request.query;
	char room[HTTP_TARGET_MAX], *at = room;
	struct form_field field;
	uint64_t before;

	while (form_next(&rest, &at, &field) == FORM_FIELD) {
		if (str_eq(field.name, STR("user")))
			str_fit(field.value, list->user, sizeof(list->user));
		if (!str_eq(field.name, STR("before")))
			continue;
		if (!str_to_u64(field.value, &before) || before == 0 || before > INT64_MAX) {
			web_refuse(x, WEB_BAD_REQUEST, "before is what next was.", WEB_NO_RETRY);
			return false;
		}
		list->before_id = (int64_t)before;
	}
	return true;
}

static void start_list(struct exchange *x, enum credential_kind kind)
{
	const struct web_caller *caller = web_caller_of(x);
	struct listing *list = xcalloc(1, sizeof(*list));

	list->kind = kind;
	list->read.not_found = WEB_NOT_FOUND;
	if (!read_query(x, list)) {
		free(list);
		return;
	}
	list->is_of_all = caller && may_all(caller);
	list->made_by = caller ? (int64_t)caller->known.user_id : 0;
	list->read.make = make_list;
	web_read_start(&list->read, x);
}

void web_tokens_list(struct exchange *x)
{
	start_list(x, CREDENTIAL_TOKEN);
}

void web_links_list(struct exchange *x)
{
	start_list(x, CREDENTIAL_LINK);
}

void web_sessions_list(struct exchange *x)
{
	start_list(x, CREDENTIAL_SESSION);
}

/* ---- making ---- */

struct making {
	struct grant grant;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
};

static void add_link_urls(const struct exchange *x, struct json *json,
			  const struct credential *secret)
{
	char origin_text[512], text[640];
	struct buf origin, url;

	buf_over(&origin, origin_text, sizeof(origin_text));
	forwarded_add_origin(x, &origin);
	buf_over(&url, text, sizeof(text));
	buf_addf(&url, "%s/l/%s#%s", origin.at, secret->name, secret->text + CREDENTIAL_NAME_LEN);
	json_text(json, "url", buf_str(&url));
	buf_clear(&url);
	buf_addf(&url, "%s/l/%s/media", origin.at, secret->text);
	json_text(json, "media_url", buf_str(&url));
	sodium_memzero(text, sizeof(text));
}

static void reply_made(struct exchange *x, const struct grant *grant)
{
	char text[BODY_SIZE], token[sizeof(CREDENTIAL_PREFIX) + CREDENTIAL_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "name", str_of(grant->row.name));
	if (grant->row.kind == CREDENTIAL_LINK) {
		json_text(&json, "recording_sid", str_of(grant->row.recording_sid));
		add_link_urls(x, &json, &grant->secret);
	} else {
		snprintf(token, sizeof(token), CREDENTIAL_PREFIX "%s", grant->secret.text);
		json_text(&json, "token", str_of(token));
		sodium_memzero(token, sizeof(token));
	}
	json_date(&json, "expires_at", grant->row.expires_at_ms);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
	sodium_memzero(text, sizeof(text));
}

static void made(struct ledger_job *job)
{
	struct grant *grant = container_of(job, struct grant, job);
	struct making *making = container_of(grant, struct making, grant);

	if (making->x && job->succeeded)
		reply_made(making->x, grant);
	else if (making->x && job->err.kind == ERR_NOT_FOUND)
		web_refuse_missing(making->x, WEB_RECORDING_NOT_FOUND, NULL);
	else if (making->x)
		web_refuse_change(making->x, &job->err, WEB_RECORDING_NOT_FOUND, WEB_INTERNAL);
	credential_wipe(&grant->secret);
	free(making);
}

static void making_gone(struct parked *parked)
{
	container_of(parked, struct making, parked)->x = NULL;
}

/* Takes the making; `is_good`: what its init said. */
static void make(struct exchange *x, struct making *making, bool is_good, const struct err *err)
{
	struct web_local *local = web_local_of(x);

	if (!is_good) {
		free(making);
		web_refuse(x, WEB_BAD_REQUEST, err->text, WEB_NO_RETRY);
		return;
	}
	making->x = x;
	making->parked.gone = making_gone;
	making->grant.job.done = made;
	making->grant.job.reply = local->mailbox;
	exchange_park(x, &making->parked);
	ledger_write(local->web->ledger, &making->grant.job);
}

void web_tokens_make(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "rights", WEB_JSON_TEXT },
		{ "note", WEB_JSON_TEXT },
		{ 0 },
	};
	json_t *body = web_json_body_of(x, members);
	struct making *making;
	struct auth_actor actor;
	int64_t expires_in_ms;
	uint16_t rights;
	struct err err;
	bool is_good;

	if (!body)
		return;
	if (!web_json_duration(x, body, "expires_in", &expires_in_ms)) {
		json_decref(body);
		return;
	}
	web_actor_of(x, &actor);
	making = xcalloc(1, sizeof(*making));
	is_good = rights_of_text(web_json_text(body, "rights"), &rights, &err) &&
		  grant_token_init(&making->grant, web_local_of(x)->web->auth, &actor, rights,
				   expires_in_ms, web_json_text(body, "note"), &err);
	json_decref(body);
	make(x, making, is_good, &err);
}

/* Which recording a link is of; at == NULL: neither SID is there, or both, or it is none. */
static struct str sid_of(json_t *body)
{
	struct str recording = web_json_text(body, "recording_sid");
	struct str call = web_json_text(body, "call_sid");

	if (recording.at && !call.at && sid_is_recording(recording))
		return recording;
	if (call.at && !recording.at && sid_is_call(call))
		return call;
	return STR_NONE;
}

void web_links_make(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "recording_sid", WEB_JSON_TEXT },
		{ "call_sid", WEB_JSON_TEXT },
		{ "plays", WEB_JSON_COUNT },
		{ "show_numbers", WEB_JSON_BOOL },
		{ "whole_call", WEB_JSON_BOOL },
		{ "note", WEB_JSON_TEXT },
		{ 0 },
	};
	json_t *body = web_json_body_of(x, members);
	struct making *making;
	struct auth_actor actor;
	struct link_terms terms;
	struct err err;
	bool is_good;

	if (!body)
		return;
	if (!web_may_make_address(x) ||
	    !web_json_duration(x, body, "expires_in", &terms.expires_in_ms)) {
		json_decref(body);
		return;
	}
	terms.plays_max = json_integer_value(json_object_get(body, "plays"));
	terms.shows_numbers = json_is_true(json_object_get(body, "show_numbers"));
	terms.is_of_whole_call = json_is_true(json_object_get(body, "whole_call"));
	terms.note = web_json_text(body, "note");
	terms.for_user = web_acts_for(x);
	web_actor_of(x, &actor);
	making = xcalloc(1, sizeof(*making));
	is_good = sid_of(body).at || err_set(&err, ERR_INVALID, "Give recording_sid or call_sid.");
	is_good = is_good && grant_link_init(&making->grant, web_local_of(x)->web->auth, &actor,
					     sid_of(body), &terms, &err);
	json_decref(body);
	make(x, making, is_good, &err);
}

/* ---- taking back ---- */

struct revoking {
	struct revocation revocation;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
};

static void revoked(struct ledger_job *job)
{
	struct revocation *revocation = container_of(job, struct revocation, job);
	struct revoking *revoking = container_of(revocation, struct revoking, revocation);
	enum web_error not_found = revocation->kind == CREDENTIAL_LINK ? WEB_LINK_NOT_FOUND
								       : WEB_NOT_FOUND;

	if (revoking->x && job->succeeded)
		web_reply_done(revoking->x);
	else if (revoking->x)
		web_refuse_change(revoking->x, &job->err, not_found, WEB_INTERNAL);
	free(revoking);
}

static void revoking_gone(struct parked *parked)
{
	container_of(parked, struct revoking, parked)->x = NULL;
}

static void start_revoking(struct exchange *x, enum credential_kind kind)
{
	struct revoking *revoking = xcalloc(1, sizeof(*revoking));
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);
	struct auth_actor actor;
	struct err err;

	web_actor_of(x, &actor);
	if (!revocation_init(&revoking->revocation, local->web->auth, &actor, kind,
			     x->request.params[0], caller && may_all(caller), &err)) {
		free(revoking);
		web_refuse(x, kind == CREDENTIAL_LINK ? WEB_LINK_NOT_FOUND : WEB_NOT_FOUND, NULL,
			   WEB_NO_RETRY);
		return;
	}
	revoking->x = x;
	revoking->parked.gone = revoking_gone;
	revoking->revocation.job.done = revoked;
	revoking->revocation.job.reply = local->mailbox;
	exchange_park(x, &revoking->parked);
	ledger_write(local->web->ledger, &revoking->revocation.job);
}

void web_tokens_revoke(struct exchange *x)
{
	start_revoking(x, CREDENTIAL_TOKEN);
}

void web_links_revoke(struct exchange *x)
{
	start_revoking(x, CREDENTIAL_LINK);
}

void web_sessions_end(struct exchange *x)
{
	start_revoking(x, CREDENTIAL_SESSION);
}
