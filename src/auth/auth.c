#include "auth/auth.h"

#include "auth/credential.h"
#include "auth/hashers.h"
#include "auth/origin.h"
#include "auth/played.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/processes.h"
#include "ledger/ledger.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define INVITATION_MS (INT64_C(24) * 60 * 60 * 1000)

/* ---- the audit ---- */

bool auth_is_for_now(const char *what, const struct err *err)
{
	bool is_for_now = err->kind == ERR_UNAVAILABLE || err->kind == ERR_SCARCE;

	if (is_for_now)
		log_warn(NULL, "cannot %s: %s", what, err->text);
	else
		log_error(NULL, "cannot %s: %s", what, err->text);
	return is_for_now;
}

bool auth_audit(const struct auth *auth, struct catalog *catalog, const struct auth_actor *actor,
		const char *kind, const char *recording_sid, const char *body, struct err *err)
{
	struct audit_entry entry = { .user_id = actor->user_id };

	str_fit(str_of(kind), entry.kind, sizeof(entry.kind));
	memcpy(entry.user_name, actor->user_name, sizeof(entry.user_name));
	memcpy(entry.credential, actor->credential, sizeof(entry.credential));
	memcpy(entry.for_user, actor->for_user, sizeof(entry.for_user));
	memcpy(entry.address, actor->address, sizeof(entry.address));
	if (recording_sid)
		str_fit(str_of(recording_sid), entry.recording_sid, sizeof(entry.recording_sid));
	if (body && !str_copy(str_of(body), entry.body, sizeof(entry.body)))
		return err_set(err, ERR_INTERNAL, "an entry of the audit is too long");
	return audit_trail_write(&auth->audit, catalog, &entry, err);
}

bool auth_actor_name(struct catalog *catalog, const struct auth_actor *actor, char *out,
		     size_t size, struct err *err)
{
	struct str name = str_of(actor->for_user[0] ? actor->for_user : actor->user_name);
	struct user user = { .id = 0 };

	if (name.len == 0 && actor->user_id != 0) {
		if (!users_find(catalog, actor->user_id, &user, err) && err->kind != ERR_NOT_FOUND)
			return false;
		name = str_of(user.name);
	}
	str_fit(name.len > 0 ? name : str_of(actor->credential), out, size);
	return true;
}

bool auth_may_begin_play(const struct auth *auth, uint64_t user_id, const char *recording_sid,
			 int64_t now_ms, int64_t *out_wait_ms)
{
	char user[32];

	if (user_id == 0)
		return true; /* nobody in particular, or a link, which opens one recording alone */
	if (played_lately(auth->played, user_id, recording_sid, now_ms))
		return true;
	snprintf(user, sizeof(user), "%llu", (unsigned long long)user_id);
	if (!throttle_take(auth->throttle, THROTTLE_PLAYS, str_of(user), now_ms, out_wait_ms))
		return false;
	played_add(auth->played, user_id, recording_sid, now_ms);
	return true;
}

void auth_tell_credential(struct ledger_job *job, int64_t credential_id)
{
	job->change.what |= PROJECTED_CREDENTIAL;
	job->change.credential_id = credential_id;
}

void auth_tell_user(struct ledger_job *job, int64_t user_id)
{
	job->change.what |= PROJECTED_USER;
	job->change.user_id = user_id;
}

/* ---- opening ---- */

/* The chain begins, and says how people sign in from now on. */
struct beginning {
	struct ledger_job job;
	struct auth *auth;
};

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	static const char *const bodies[] = {
		[AUTH_UNSET] = "{\"command\":true}",
		[AUTH_PASSWORD] = "{\"auth\":\"password\"}",
		[AUTH_PROXY] = "{\"auth\":\"proxy\"}",
		[AUTH_NONE] = "{\"auth\":\"none\"}",
	};
	struct auth *auth = container_of(job, struct beginning, job)->auth;
	struct auth_actor nobody = { .user_id = 0 };
	bool any_user = false;

	if (!users_any_enabled(catalog, &any_user, err))
		return false;
	if (any_user && auth->options.mode == AUTH_NONE)
		return err_set(
			err, ERR_INVALID,
			"auth = none would let everybody in, though there are users who sign in "
			"with passwords: disable them first, or set auth = password");
	return audit_trail_begin(&auth->audit, catalog, err) &&
	       auth_audit(auth, catalog, &nobody, "started", NULL, bodies[auth->options.mode], err);
}

static bool open_keys(struct auth *auth, struct err *err)
{
	/* A command makes none: the server's may be one that only its unit is given (LoadCredential=). */
	if (!audit_trail_open(&auth->options.audit, auth->data_dir,
			      auth->options.mode != AUTH_UNSET, auth->ledger, &auth->audit, err))
		return false;
	auth->known_key = sodium_malloc(KNOWN_KEY_BYTES);
	if (!auth->known_key)
		return err_set(err, ERR_INTERNAL, "no memory is left for a key");
	random_bytes(auth->known_key, KNOWN_KEY_BYTES);
	return true;
}

static char *host_of(const char *public_url)
{
	char text[ORIGIN_MAX];
	struct buf buf;
	struct str host;

	buf_over(&buf, text, sizeof(text));
	if (!public_url || !origin_of_url(str_of(public_url), &buf))
		return NULL;
	host = str_after(buf_str(&buf), str_find_str(buf_str(&buf), STR("://")) + 3);
	return str_dup(str_first(host, str_find(host, ':')));
}

bool auth_open(const struct auth_options *options, const char *data_dir, const char *public_url,
	       struct ledger *ledger, struct auth **out, struct err *err)
{
	AUTO(auth_free) struct auth *auth = xcalloc(1, sizeof(*auth));
	struct password_cost cost = { .memory_bytes = options->password_memory_bytes,
				      .passes = options->password_passes };
	struct beginning beginning = { .job = { .run = run_begin }, .auth = auth };

	if (sodium_init() < 0)
		return err_set(err, ERR_INTERNAL, "libsodium cannot be used on this machine");
	auth->options = *options;
	auth->ledger = ledger;
	auth->data_dir = xstrdup(data_dir);
	auth->host = host_of(public_url);
	auth->rules = (struct password_rules){ .least = options->password_min,
					       .host = auth->host,
					       .breached_file = options->breached_file };
	auth->throttle = throttle_new(options->play_limit);
	auth->played = played_new();
	if (!open_keys(auth, err) || !ledger_write_now(ledger, &beginning.job, err))
		return false;
	if (options->mode == AUTH_PASSWORD &&
	    !hashers_start(options->hashers, &cost, &auth->hashers, err))
		return false;
	*out = TAKE(auth);
	return true;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	hashers_stop(auth->hashers);
	throttle_free(auth->throttle);
	played_free(auth->played);
	audit_trail_release(&auth->audit);
	sodium_free(auth->known_key);
	free(auth->host);
	free(auth->data_dir);
	free(auth);
}

/* ---- the first administrator ---- */

struct first_invitation {
	struct ledger_job job;
	struct auth *auth;
	struct credential secret;
	bool is_needed;
};

/* The note of such an invitation: whose file has it, where several serve from one ledger. */
#define OF_PROCESS "process "

static void write_process(const struct auth *auth, struct credential_row *row)
{
	int64_t process = ledger_process(auth->ledger);

	if (process != 0)
		snprintf(row->note, sizeof(row->note), OF_PROCESS "%lld", (long long)process);
}

static bool is_of_another(const struct auth *auth, struct catalog *catalog,
			  const struct credential_row *row, bool *out, struct err *err)
{
	struct str note = str_of(row->note), prefix = STR(OF_PROCESS);
	int64_t process;

	*out = false;
	return !str_starts(note, prefix) || !str_to_i64(str_after(note, prefix.len), &process) ||
	       process == ledger_process(auth->ledger) ||
	       catalog_process_lives(catalog, process, out, err);
}

/*
 * One at a time: what an earlier start made opens nothing any more.  Those of users that were added stay, and those of others
 * who serve beside this one: theirs have been told to somebody, too, as nobody knows which file is looked into.
 */
static bool end_first_invitation(const struct auth *auth, struct catalog *catalog,
				 const struct credential_row *row, struct err *err)
{
	bool stays;

	if (row->user_id != 0)
		return true;
	return is_of_another(auth, catalog, row, &stays, err) &&
	       (stays || credentials_end(catalog, row->id, err));
}

static bool end_first_invitations(const struct auth *auth, struct catalog *catalog, struct err *err)
{
	struct credential_row rows[8];
	size_t count;
	int64_t before_id = 0;

	do {
		if (!credentials_list(catalog, CREDENTIAL_INVITATION, 0, before_id, rows,
				      ARRAY_LEN(rows), &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			before_id = rows[i].id;
			if (!end_first_invitation(auth, catalog, &rows[i], err))
				return false;
		}
	} while (count == ARRAY_LEN(rows));
	return true;
}

static bool run_invite_first(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct first_invitation *invitation = container_of(job, struct first_invitation, job);
	struct auth_actor nobody = { .user_id = 0 };
	struct credential_row row = { .kind = CREDENTIAL_INVITATION, .rights = RIGHTS_ALL };
	bool any_admin;

	if (!users_any_admin(catalog, &any_admin, err))
		return false;
	invitation->is_needed = !any_admin;
	if (any_admin)
		return true;
	if (!end_first_invitations(invitation->auth, catalog, err))
		return false;
	row.made_at_ms = clock_wall_ms();
	row.expires_at_ms = row.made_at_ms + INVITATION_MS;
	write_process(invitation->auth, &row);
	memcpy(row.name, invitation->secret.name, sizeof(row.name));
	memcpy(row.hash, invitation->secret.hash, sizeof(row.hash));
	return credentials_add(catalog, &row, err) &&
	       auth_audit(invitation->auth, catalog, &nobody, "first_invited", NULL, NULL, err);
}

bool auth_invite_first(struct auth *auth, struct credential *out, struct err *err)
{
	struct first_invitation invitation = { .job = { .run = run_invite_first }, .auth = auth };
	bool written;

	credential_make(&invitation.secret);
	written = ledger_write_now(auth->ledger, &invitation.job, err);
	if (written && invitation.is_needed)
		*out = invitation.secret;
	else if (written)
		*out = (struct credential){ .text = "" };
	credential_wipe(&invitation.secret);
	return written;
}

void auth_first_is_there(const struct auth *auth)
{
	AUTO(free) char *path = xasprintf("%s/" AUTH_FIRST_FILE, auth->data_dir);

	unlink(path);
}
