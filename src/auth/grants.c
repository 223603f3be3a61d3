#include "auth/grants.h"

#include "base/clock.h"
#include "base/json.h"
#include "catalog/recordings.h"

#define LINK_MS   (INT64_C(7) * 24 * 60 * 60 * 1000)
#define BODY_SIZE 512

static bool audit_grant(const struct auth *auth, struct catalog *catalog,
			const struct auth_actor *actor, const char *kind,
			const struct credential_row *row, struct err *err)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_text(&json, "name", str_of(row->name));
	if (row->kind == CREDENTIAL_TOKEN) {
		char rights[RIGHTS_TEXT_MAX];
		struct buf names;

		buf_over(&names, rights, sizeof(rights));
		rights_add_text(&names, row->rights);
		json_text(&json, "rights", buf_str(&names));
	}
	if (row->expires_at_ms)
		json_date(&json, "expires_at", row->expires_at_ms);
	if (row->plays_max)
		json_int(&json, "plays", row->plays_max);
	if (row->options & CREDENTIAL_WHOLE_CALL)
		json_bool(&json, "whole_call", true);
	json_close(&json, '}');
	return auth_audit(auth, catalog, actor, kind, row->recording_sid,
			  buf_ok(&body) ? text : NULL, err);
}

static void begin(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		  enum credential_kind kind, int64_t expires_in_ms)
{
	*grant = (struct grant){ .auth = auth, .actor = *actor };
	credential_make(&grant->secret);
	grant->row.kind = kind;
	grant->row.user_id = grant->row.made_by = actor->user_id;
	grant->row.made_at_ms = clock_wall_ms();
	if (expires_in_ms > 0 && expires_in_ms != INT64_MAX)
		grant->row.expires_at_ms = grant->row.made_at_ms + expires_in_ms;
	memcpy(grant->row.name, grant->secret.name, sizeof(grant->row.name));
	memcpy(grant->row.hash, grant->secret.hash, sizeof(grant->row.hash));
}

/* ---- tokens ---- */

static bool run_token(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct grant *grant = container_of(job, struct grant, job);

	return credentials_add(catalog, &grant->row, err) &&
	       audit_grant(grant->auth, catalog, &grant->actor, "token_made", &grant->row, err);
}

bool grant_token_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		      uint16_t rights, int64_t expires_in_ms, struct str note, struct err *err)
{
	if (rights == 0)
		return err_set(err, ERR_INVALID, "a token without a right opens nothing");
	if (rights & ~actor->rights)
		return err_set(err, ERR_INVALID, "a token has at most the rights of who makes it");
	begin(grant, auth, actor, CREDENTIAL_TOKEN, expires_in_ms);
	grant->job.run = run_token;
	grant->row.rights = rights;
	str_fit(note, grant->row.note, sizeof(grant->row.note));
	return true;
}

static bool run_doctor(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct grant *grant = container_of(job, struct grant, job);

	return credentials_add(catalog, &grant->row, err) &&
	       audit_grant(grant->auth, catalog, &grant->actor, "doctor_token_made", &grant->row,
			   err);
}

void grant_doctor_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		       struct str recording_sid, int64_t expires_in_ms)
{
	begin(grant, auth, actor, CREDENTIAL_DOCTOR, expires_in_ms);
	grant->job.run = run_doctor;
	/* Nobody's: who asks for it may all, or it is the server itself. */
	grant->row.user_id = 0;
	grant->row.rights = RIGHT_PLAY | RIGHT_READ;
	str_fit(recording_sid, grant->row.recording_sid, sizeof(grant->row.recording_sid));
}

/* ---- links ---- */

static bool find_recording(struct catalog *catalog, struct str sid, struct recording *out,
			   struct err *err)
{
	enum call_recorded found;
	bool is_call_on;

	if (!str_starts(sid, STR("CA")))
		return recordings_find(catalog, sid, out, err);
	if (!recordings_find_main(catalog, sid, &found, out, &is_call_on, err))
		return false;
	return found == CALL_RECORDED || err_set(err, ERR_NOT_FOUND, "there is no recording of it");
}

static bool run_link(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct grant *grant = container_of(job, struct grant, job);
	struct recording recording;

	if (!find_recording(catalog, str_of(grant->row.recording_sid), &recording, err))
		return false;
	memcpy(grant->row.recording_sid, recording.recording_sid, SID_SIZE);
	return credentials_add(catalog, &grant->row, err) &&
	       audit_grant(grant->auth, catalog, &grant->actor, "link_made", &grant->row, err);
}

bool grant_link_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		     struct str sid, const struct link_terms *terms, struct err *err)
{
	int64_t expires_in_ms = terms->expires_in_ms ? terms->expires_in_ms : LINK_MS;

	if (expires_in_ms < 0 || expires_in_ms > auth->options.link_max_ms)
		return err_set(err, ERR_INVALID, "a link lasts at most as long as link.max says");
	if (terms->plays_max < 0)
		return err_set(err, ERR_INVALID, "a link can be played once or more");
	begin(grant, auth, actor, CREDENTIAL_LINK, expires_in_ms);
	grant->job.run = run_link;
	/* Nobody's: it goes on when its maker leaves, and made_by says who that was. */
	grant->row.user_id = 0;
	grant->row.rights = RIGHT_PLAY;
	grant->row.plays_max = terms->plays_max;
	grant->row.options = (terms->shows_numbers ? CREDENTIAL_SHOWS_NUMBERS : 0) |
			     (terms->is_of_whole_call ? CREDENTIAL_WHOLE_CALL : 0);
	str_fit(terms->note, grant->row.note, sizeof(grant->row.note));
	str_fit(terms->for_user, grant->row.for_user, sizeof(grant->row.for_user));
	return str_copy(sid, grant->row.recording_sid, sizeof(grant->row.recording_sid)) ||
	       err_set(err, ERR_INVALID, "it is no SID of a call or a recording");
}

/* ---- taking back ---- */

static const char *revoked_kind(enum credential_kind kind)
{
	switch (kind) {
	case CREDENTIAL_TOKEN:
	case CREDENTIAL_DOCTOR:
		return "token_revoked";
	case CREDENTIAL_LINK:
	case CREDENTIAL_VISIT:
		return "link_revoked";
	case CREDENTIAL_SESSION:
	case CREDENTIAL_DEVICE:
	case CREDENTIAL_INVITATION:
		break;
	}
	return "session_revoked";
}

/* What is nobody's, as every link, is its maker's: those without a user have what such made, not everybody's. */
static bool is_own(const struct credential_row *row, const struct auth_actor *actor)
{
	return (row->user_id != 0 ? row->user_id : row->made_by) == actor->user_id;
}

static bool run_revocation(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct revocation *revocation = container_of(job, struct revocation, job);
	struct credential_row row;
	struct user owner;

	if (!credentials_find(catalog, str_of(revocation->name), &row, &owner, err))
		return false;
	if (row.kind != revocation->kind ||
	    (!revocation->owns_all && !is_own(&row, &revocation->actor)))
		return err_set(err, ERR_NOT_FOUND, "no such credential");
	auth_tell_credential(job, row.id);
	/* Visits of a link are rows of their own, which the loops know by their own numbers. */
	if (row.kind == CREDENTIAL_LINK)
		job->change.what |= PROJECTED_LINK;
	return credentials_end(catalog, row.id, err) &&
	       audit_grant(revocation->auth, catalog, &revocation->actor, revoked_kind(row.kind),
			   &row, err);
}

bool revocation_init(struct revocation *revocation, struct auth *auth,
		     const struct auth_actor *actor, enum credential_kind kind, struct str name,
		     bool owns_all, struct err *err)
{
	*revocation = (struct revocation){ .job = { .run = run_revocation },
					   .auth = auth,
					   .actor = *actor,
					   .kind = kind,
					   .owns_all = owns_all };
	return (name.len == CREDENTIAL_NAME_LEN &&
		str_copy(name, revocation->name, sizeof(revocation->name))) ||
	       err_set(err, ERR_INVALID, "it is no name of a credential: 8 characters");
}
