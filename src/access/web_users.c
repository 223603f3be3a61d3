#include "access/web_users.h"

#include "access/web_admit.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/people.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/form.h"
#include "http/http_parse.h"
#include "ledger/ledger.h"

#include <sodium.h>
#include <stdlib.h>

#define PAGE      100
#define BODY_SIZE 1024

/* ---- the list ---- */

struct listing {
	struct web_read read; /* first: freed as one */
	char after[USER_NAME_SIZE];
};

static void add_user(struct json *json, const struct user *user)
{
	json_open(json, NULL, '{');
	json_text(json, "name", str_of(user->name));
	json_text(json, "full_name", str_of(user->full_name));
	json_text(json, "role", str_of(role_text((enum role)user->role)));
	json_text(json, "source", user->source == USER_OWN ? STR("own") : STR("proxy"));
	json_bool(json, "disabled", user->is_disabled);
	json_bool(json, "has_password", user->password_hash[0] != '\0');
	json_date(json, "made_at", user->made_at_ms);
	json_date(json, "signed_in_at", user->signed_in_at_ms);
	json_close(json, '}');
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	struct listing *list = container_of(read, struct listing, read);
	AUTO(free) struct user *users = xcalloc(PAGE, sizeof(*users));
	size_t count;

	if (!users_list(catalog, str_of(list->after), users, PAGE, &count, err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, "users", '[');
	for (size_t i = 0; i < count; i++)
		add_user(json, &users[i]);
	json_close(json, ']');
	json_text(json, "next", count == PAGE ? str_of(users[count - 1].name) : STR_NONE);
	json_close(json, '}');
	return true;
}

void web_users_list(struct exchange *x)
{
	struct listing *list = xcalloc(1, sizeof(*list));
	struct str rest = x->request.query;
	char room[HTTP_TARGET_MAX], *at = room;
	struct form_field field;

	while (form_next(&rest, &at, &field) == FORM_FIELD)
		if (str_eq(field.name, STR("after")))
			str_fit(field.value, list->after, sizeof(list->after));
	list->read.make = make_list;
	web_read_start(&list->read, x);
}

/* ---- changes ---- */

struct change {
	struct people_change people;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
};

/* The address of the page that takes the invitation; its secret stays behind the '#'. */
static void add_join_url(const struct exchange *x, struct json *json, const char *secret)
{
	char text[512];
	struct buf url;

	buf_over(&url, text, sizeof(text));
	forwarded_add_origin(x, &url);
	buf_addf(&url, "/join#%s", secret);
	json_text(json, "url", buf_str(&url));
	sodium_memzero(text, sizeof(text));
}

static void reply_changed(struct exchange *x, const struct people_change *people)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "name",
		  str_of(people->action == PEOPLE_RENAME ? people->new_name : people->name));
	if (people->secret.text[0] != '\0')
		add_join_url(x, &json, people->secret.text);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
	sodium_memzero(text, sizeof(text));
}

/* What a conflict means: a name that is taken, or the last administrator. */
static enum web_error conflict_of(enum people_action action)
{
	return action == PEOPLE_ADD || action == PEOPLE_RENAME ? WEB_NAME_TAKEN : WEB_LAST_ADMIN;
}

static void change_done(struct ledger_job *job)
{
	struct people_change *people = container_of(job, struct people_change, job);
	struct change *change = container_of(people, struct change, people);

	if (change->x && job->succeeded)
		reply_changed(change->x, people);
	else if (change->x)
		web_refuse_change(change->x, &job->err, WEB_NOT_FOUND, conflict_of(people->action));
	credential_wipe(&people->secret);
	free(change);
}

static void change_gone(struct parked *parked)
{
	container_of(parked, struct change, parked)->x = NULL;
}

static struct change *change_new(struct exchange *x, enum people_action action, struct str name)
{
	struct change *change = xcalloc(1, sizeof(*change));
	struct auth_actor actor;
	struct err err;

	web_actor_of(x, &actor);
	if (!people_change_init(&change->people, web_local_of(x)->web->auth, &actor, action, name,
				&err)) {
		free(change);
		web_refuse(x, WEB_BAD_REQUEST, err.text, WEB_NO_RETRY);
		return NULL;
	}
	change->parked.gone = change_gone;
	change->x = x;
	return change;
}

static void change_write(struct change *change)
{
	struct web_local *local = web_local_of(change->x);

	change->people.job.done = change_done;
	change->people.job.reply = local->mailbox;
	exchange_park(change->x, &change->parked);
	ledger_write(local->web->ledger, &change->people.job);
}

static void change_of_address(struct exchange *x, enum people_action action)
{
	struct change *change = change_new(x, action, x->request.params[0]);

	if (change)
		change_write(change);
}

void web_users_add(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "name", WEB_JSON_TEXT },
		{ "full_name", WEB_JSON_TEXT },
		{ "role", WEB_JSON_TEXT },
		{ 0 },
	};
	json_t *body = web_may_make_address(x) ? web_json_body_of(x, members) : NULL;
	struct change *change;

	if (!body)
		return;
	change = change_new(x, PEOPLE_ADD, web_json_text(body, "name"));
	if (change) {
		struct str role = web_json_text(body, "role");

		str_fit(web_json_text(body, "full_name"), change->people.full_name,
			sizeof(change->people.full_name));
		if (role.at && !role_of_text(role, &change->people.role)) {
			free(change);
			web_refuse(x, WEB_BAD_REQUEST, "role is listener or admin.", WEB_NO_RETRY);
		} else {
			change_write(change);
		}
	}
	json_decref(body);
}

/* One thing at a time: each is an entry of the audit. */
void web_users_change(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "name", WEB_JSON_TEXT },
		{ "role", WEB_JSON_TEXT },
		{ "disabled", WEB_JSON_BOOL },
		{ 0 },
	};
	json_t *body = web_json_body_of(x, members), *disabled;
	struct change *change = NULL;
	struct str name, role;
	struct err err = { .text = "" };

	if (!body)
		return;
	name = web_json_text(body, "name");
	role = web_json_text(body, "role");
	disabled = json_object_get(body, "disabled");
	if ((name.at != NULL) + (role.at != NULL) + json_is_boolean(disabled) != 1)
		web_refuse(x, WEB_BAD_REQUEST, "Give one of name, role and disabled.",
			   WEB_NO_RETRY);
	else if (name.at)
		change = change_new(x, PEOPLE_RENAME, x->request.params[0]);
	else if (role.at)
		change = change_new(x, PEOPLE_ROLE, x->request.params[0]);
	else
		change = change_new(x, json_is_true(disabled) ? PEOPLE_DISABLE : PEOPLE_ENABLE,
				    x->request.params[0]);
	if (change && name.at && !people_name(name, change->people.new_name, &err)) {
		web_refuse(x, WEB_BAD_REQUEST, err.text, WEB_NO_RETRY);
		free(change);
	} else if (change && role.at && !role_of_text(role, &change->people.role)) {
		web_refuse(x, WEB_BAD_REQUEST, "role is listener or admin.", WEB_NO_RETRY);
		free(change);
	} else if (change) {
		change_write(change);
	}
	json_decref(body);
}

void web_users_delete(struct exchange *x)
{
	change_of_address(x, PEOPLE_DELETE);
}

void web_users_reset(struct exchange *x)
{
	if (web_may_make_address(x))
		change_of_address(x, PEOPLE_RESET);
}

void web_users_sign_out(struct exchange *x)
{
	change_of_address(x, PEOPLE_END_SESSIONS);
}
