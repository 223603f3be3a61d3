#include "auth/people.h"

#include "base/clock.h"
#include "base/json.h"

#define ADD_MS    (INT64_C(24) * 60 * 60 * 1000)
#define RESET_MS  (INT64_C(60) * 60 * 1000)
#define BODY_SIZE 512

bool people_name(struct str text, char out[USER_NAME_SIZE], struct err *err)
{
	if (text.len == 0)
		return err_set(err, ERR_INVALID, "a user needs a name");
	if (text.len >= USER_NAME_SIZE)
		return err_set(err, ERR_INVALID, "the name is longer than %d characters",
			       USER_NAME_SIZE - 1);
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);

		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) &&
		    (c == '\0' || !strchr("._@+-", c)))
			return err_set(err, ERR_INVALID,
				       "a name is made of letters, digits and . _ @ + -");
	}
	for (size_t i = 0; i < text.len; i++)
		out[i] = ascii_lower(text.at[i]);
	out[text.len] = '\0';
	return true;
}

/* ---- the changes ---- */

static bool invite(struct people_change *change, struct catalog *catalog, int64_t lasts_ms,
		   struct err *err)
{
	struct credential_row row = { .kind = CREDENTIAL_INVITATION,
				      .user_id = change->user.id,
				      .made_by = change->actor.user_id,
				      .made_at_ms = clock_wall_ms() };

	row.expires_at_ms = row.made_at_ms + lasts_ms;
	memcpy(row.name, change->secret.name, sizeof(row.name));
	memcpy(row.hash, change->secret.hash, sizeof(row.hash));
	return credentials_end_of_user(catalog, change->user.id, CREDENTIAL_INVITATION, 0, err) &&
	       credentials_add(catalog, &row, err);
}

static bool add(struct people_change *change, struct catalog *catalog, struct err *err)
{
	change->user = (struct user){ .source = USER_OWN,
				      .role = (int)change->role,
				      .made_at_ms = clock_wall_ms() };
	memcpy(change->user.name, change->name, sizeof(change->name));
	memcpy(change->user.full_name, change->full_name, sizeof(change->full_name));
	return users_add(catalog, &change->user, err) && invite(change, catalog, ADD_MS, err);
}

static bool end_sessions(struct people_change *change, struct catalog *catalog, struct err *err)
{
	return credentials_end_of_user(catalog, change->user.id, CREDENTIAL_SESSION, 0, err) &&
	       credentials_end_of_user(catalog, change->user.id, CREDENTIAL_DEVICE, 0, err);
}

static bool apply(struct people_change *change, struct catalog *catalog, struct err *err)
{
	int64_t id = change->user.id;

	switch (change->action) {
	case PEOPLE_ADD:
		return add(change, catalog, err);
	case PEOPLE_RENAME:
		return users_rename(catalog, id, str_of(change->new_name), err);
	case PEOPLE_ROLE:
		return users_set_role(catalog, id, (int)change->role, err);
	case PEOPLE_DISABLE:
		/* Sessions are over for good; tokens come back with the account. */
		return users_set_disabled(catalog, id, true, err) &&
		       end_sessions(change, catalog, err);
	case PEOPLE_ENABLE:
		return users_set_disabled(catalog, id, false, err);
	case PEOPLE_DELETE:
		return users_delete(catalog, id, err);
	case PEOPLE_RESET:
		return invite(change, catalog, RESET_MS, err);
	case PEOPLE_END_SESSIONS:
		return end_sessions(change, catalog, err);
	}
	return false;
}

static const char *kind_of(enum people_action action)
{
	static const char *const kinds[] = {
		[PEOPLE_ADD] = "user_added",       [PEOPLE_RENAME] = "user_renamed",
		[PEOPLE_ROLE] = "user_role",       [PEOPLE_DISABLE] = "user_disabled",
		[PEOPLE_ENABLE] = "user_enabled",  [PEOPLE_DELETE] = "user_deleted",
		[PEOPLE_RESET] = "password_reset", [PEOPLE_END_SESSIONS] = "sessions_revoked",
	};

	return kinds[action];
}

static void write_body(const struct people_change *change, struct buf *out)
{
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_text(&json, "user", str_of(change->user.name));
	if (change->action == PEOPLE_RENAME)
		json_text(&json, "new_name", str_of(change->new_name));
	if (change->action == PEOPLE_ADD || change->action == PEOPLE_ROLE)
		json_text(&json, "role", str_of(role_text(change->role)));
	if (change->action == PEOPLE_ADD || change->action == PEOPLE_RESET)
		json_text(&json, "invitation", str_of(change->secret.name));
	json_close(&json, '}');
}

static bool run_change(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct people_change *change = container_of(job, struct people_change, job);
	char text[BODY_SIZE];
	struct buf body;

	if (change->action != PEOPLE_ADD &&
	    !users_find_name(catalog, change->source, str_of(change->name), &change->user, err))
		return false;
	if (change->action == PEOPLE_RESET && change->source != USER_OWN)
		return err_set(err, ERR_CONFLICT,
			       "'%s' signs in by the proxy, without a password here", change->name);
	if (!apply(change, catalog, err))
		return false;
	auth_tell_user(job, change->user.id);
	buf_over(&body, text, sizeof(text));
	write_body(change, &body);
	return auth_audit(change->auth, catalog, &change->actor, kind_of(change->action), NULL,
			  buf_ok(&body) ? text : NULL, err);
}

static enum user_source source_of(const struct auth_options *options)
{
	enum auth_mode mode = options->mode == AUTH_UNSET ? options->command_for : options->mode;

	return mode == AUTH_PROXY ? USER_BY_PROXY : USER_OWN;
}

bool people_change_init(struct people_change *change, struct auth *auth,
			const struct auth_actor *actor, enum people_action action, struct str name,
			struct err *err)
{
	*change = (struct people_change){ .job = { .run = run_change },
					  .auth = auth,
					  .actor = *actor,
					  .action = action,
					  .source = source_of(&auth->options),
					  .role = ROLE_LISTENER };
	if (action == PEOPLE_ADD && change->source != USER_OWN)
		return err_set(err, ERR_INVALID,
			       "with auth = proxy users are added when the proxy first names them");
	if (!people_name(name, change->name, err))
		return false;
	if (action == PEOPLE_ADD || action == PEOPLE_RESET)
		credential_make(&change->secret);
	return true;
}
