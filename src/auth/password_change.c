#include "auth/password_change.h"

#include "accounts/sign_in_failures.h"
#include "auth/hashers.h"
#include "auth/people.h"
#include "auth/sign_in.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/network.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct password_change {
	struct ledger_job job;
	struct auth *auth;
	struct mailbox *mailbox;
	struct password_change_waiter *waiter; /* NULL: left */
	struct hash_job *hash_job;             /* but while a hasher has it */
	struct hash_asker hash_asker;
	struct mail mail; /* of an answer that needed no thread */

	char invitation[CREDENTIAL_SIZE]; /* "": of one's own account */
	char name[USER_NAME_SIZE];        /* of the account that is made */
	char address[AUDIT_ADDRESS_SIZE], network[NETWORK_TEXT_SIZE];
	int64_t user_id;
	int64_t only_session_id; /* else 0: the password is changed */

	/* what the ledger says */
	struct credential_row row; /* of the invitation */
	struct user user;          /* id 0: the account is made now */
	bool is_invited;

	enum password_change_result result;
	enum password_fault fault;
	struct err err;
	int64_t wait_ms;
	char new_hash[PASSWORD_HASH_SIZE];
	struct credential session;
};

/* ---- the answer ---- */

static void change_free(struct password_change *change)
{
	hash_job_free(change->hash_job);
	sodium_memzero(change, sizeof(*change));
	free(change);
}

static void answer(struct password_change *change, enum password_change_result result)
{
	struct password_change_waiter *waiter = change->waiter;

	if (waiter) {
		waiter->change = NULL;
		waiter->fault = change->fault;
		waiter->err = change->err;
		waiter->wait_ms = change->wait_ms;
		waiter->user = change->user;
		waiter->session = change->session;
		waiter->max_age_s = change->auth->options.session_max_ms / 1000;
		waiter->answered(waiter, result);
	}
	change_free(change);
}

static void deliver_answer(struct mail *mail)
{
	struct password_change *change = container_of(mail, struct password_change, mail);

	answer(change, change->result);
}

static void answer_later(struct password_change *change, enum password_change_result result)
{
	change->result = result;
	change->mail.deliver = deliver_answer;
	mailbox_post(change->mailbox, &change->mail);
}

void password_change_leave(struct password_change_waiter *waiter)
{
	if (waiter->change)
		waiter->change->waiter = NULL;
	waiter->change = NULL;
}

/* ---- the invitation ---- */

static bool find_invitation(struct password_change *change, struct catalog *catalog,
			    struct err *err)
{
	struct str text = str_of(change->invitation);
	uint8_t hash[SHA256_BYTES];

	change->is_invited = false;
	if (!credential_is_well_formed(text))
		return true;
	if (!credentials_find(catalog, credential_name(text), &change->row, &change->user, err))
		return err->kind == ERR_NOT_FOUND;
	credential_hash(text, hash);
	change->is_invited = change->row.kind == CREDENTIAL_INVITATION &&
			     bytes_equal_secret(hash, change->row.hash, sizeof(hash)) &&
			     change->row.expires_at_ms > clock_wall_ms();
	return true;
}

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct password_change *change = container_of(job, struct password_change, job);

	if (change->invitation[0] == '\0')
		return users_find(catalog, change->user_id, &change->user, err);
	return find_invitation(change, catalog, err);
}

/* ---- writing ---- */

static bool add_first(struct password_change *change, struct catalog *catalog, struct err *err)
{
	bool any_admin;

	/* One was added by a command meanwhile: the first administrator is there.  Who only listens is none. */
	if (!users_any_admin(catalog, &any_admin, err))
		return false;
	if (any_admin)
		return err_set(err, ERR_NOT_FOUND, "the invitation is no longer needed");
	change->user = (struct user){ .source = USER_OWN,
				      .role = ROLE_ADMIN,
				      .made_at_ms = clock_wall_ms() };
	memcpy(change->user.name, change->name, sizeof(change->name));
	return users_add(catalog, &change->user, err);
}

static bool end_all(struct password_change *change, struct catalog *catalog, struct err *err)
{
	int64_t id = change->user.id;

	return credentials_end_of_user(catalog, id, CREDENTIAL_SESSION, 0, err) &&
	       credentials_end_of_user(catalog, id, CREDENTIAL_DEVICE, 0, err);
}

/* Who changed it themselves goes on, with a session that nobody has seen yet. */
static bool add_session(struct password_change *change, struct catalog *catalog, struct err *err)
{
	struct credential_row row = { .kind = CREDENTIAL_SESSION,
				      .user_id = change->user.id,
				      .rights = RIGHTS_ALL };

	row.made_at_ms = row.seen_at_ms = clock_wall_ms();
	row.expires_at_ms = row.made_at_ms + change->auth->options.session_max_ms;
	memcpy(row.name, change->session.name, sizeof(row.name));
	memcpy(row.hash, change->session.hash, sizeof(row.hash));
	str_fit(str_of(change->network), row.network, sizeof(row.network));
	return credentials_add(catalog, &row, err);
}

/* Whoever was locked out by the guesses of others is let in by a reset: the count is of the old password. */
static bool forgive(struct password_change *change, struct catalog *catalog, struct err *err)
{
	char key[SIGN_IN_FAILURES_KEY_SIZE];

	sign_in_failures_key(change->auth, change->user.name, key);
	return sign_in_failures_clear(catalog, str_of(key), err);
}

static bool write_invited(struct password_change *change, struct catalog *catalog, struct err *err)
{
	/* Once more, for another may have been faster. */
	if (!find_invitation(change, catalog, err))
		return false;
	if (!change->is_invited)
		return err_set(err, ERR_NOT_FOUND, "the invitation was used meanwhile");
	if (change->row.user_id == 0 && !add_first(change, catalog, err))
		return false;
	return forgive(change, catalog, err) && credentials_end(catalog, change->row.id, err);
}

/* Disabled, or given another password, while the old one was hashed: then that was not the current one. */
static bool check_unchanged(struct password_change *change, struct catalog *catalog,
			    struct err *err)
{
	struct user now;

	if (!users_find(catalog, change->user.id, &now, err))
		return false;
	return (!now.is_disabled && strcmp(now.password_hash, change->user.password_hash) == 0) ||
	       err_set(err, ERR_CONFLICT, "the account changed meanwhile");
}

static bool run_write(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct password_change *change = container_of(job, struct password_change, job);
	bool is_invited = change->invitation[0] != '\0';
	struct auth_actor actor = { .user_id = 0 };

	if (is_invited ? !write_invited(change, catalog, err)
		       : !check_unchanged(change, catalog, err))
		return false;
	actor.user_id = change->user.id;
	memcpy(actor.address, change->address, sizeof(actor.address));
	auth_tell_user(job, change->user.id);
	return users_set_password(catalog, change->user.id, str_of(change->new_hash), err) &&
	       end_all(change, catalog, err) && (is_invited || add_session(change, catalog, err)) &&
	       auth_audit(change->auth, catalog, &actor, "password_changed", NULL,
			  is_invited ? "{\"by\":\"invitation\"}" : "{\"by\":\"current password\"}",
			  err);
}

/* The password is right: all sessions end but the one that asks. */
static bool run_end_others(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct password_change *change = container_of(job, struct password_change, job);
	struct auth_actor actor = { .user_id = change->user.id };

	if (!check_unchanged(change, catalog, err))
		return false;
	memcpy(actor.address, change->address, sizeof(actor.address));
	auth_tell_user(job, change->user.id);
	return credentials_end_of_user(catalog, change->user.id, CREDENTIAL_SESSION,
				       change->only_session_id, err) &&
	       auth_audit(change->auth, catalog, &actor, "sessions_revoked", NULL,
			  "{\"by\":\"current password\"}", err);
}

static void written(struct ledger_job *job)
{
	struct password_change *change = container_of(job, struct password_change, job);

	if (job->succeeded) {
		if (change->invitation[0] != '\0' && change->row.user_id == 0)
			auth_first_is_there(change->auth);
		answer(change, PASSWORD_CHANGED);
		return;
	}
	credential_wipe(&change->session);
	if (change->invitation[0] == '\0' &&
	    (job->err.kind == ERR_NOT_FOUND || job->err.kind == ERR_CONFLICT)) {
		answer(change, PASSWORD_CURRENT_WRONG);
	} else if (job->err.kind == ERR_NOT_FOUND) {
		answer(change, PASSWORD_NOT_INVITED);
	} else if (job->err.kind == ERR_CONFLICT) {
		answer(change, PASSWORD_NAME_TAKEN);
	} else {
		answer(change, auth_is_for_now("write a password", &job->err)
				       ? PASSWORD_CHANGE_BUSY
				       : PASSWORD_CHANGE_FAILED);
	}
}

/* ---- hashing ---- */

static void hashed(struct hash_job *job)
{
	struct password_change *change =
		container_of(job->asker, struct password_change, hash_asker);

	change->hash_job = job; /* freed with it */
	if (!job->succeeded) {
		log_error(NULL, "cannot set a password: %s", job->err.text);
		answer(change, PASSWORD_CHANGE_FAILED);
		return;
	}
	if (job->checks && !job->is_right) {
		answer(change, PASSWORD_CURRENT_WRONG);
		return;
	}
	if (job->fault != PASSWORD_GOOD) {
		change->fault = job->fault;
		answer(change, PASSWORD_REFUSED);
		return;
	}
	memcpy(change->new_hash, job->new_hash, sizeof(change->new_hash));
	if (change->invitation[0] == '\0' && change->only_session_id == 0)
		credential_make(&change->session);
	change->job =
		(struct ledger_job){ .run = change->only_session_id ? run_end_others : run_write,
				     .done = written,
				     .reply = change->mailbox };
	ledger_write(change->auth->ledger, &change->job);
}

static void hash(struct password_change *change)
{
	struct hash_job *job = change->hash_job;
	const char *name = change->user.id ? change->user.name : change->name;

	job->reply = change->mailbox;
	job->done = hashed;
	job->asker = &change->hash_asker;
	job->makes = change->only_session_id == 0;
	job->rules = &change->auth->rules;
	str_fit(str_of(name), job->name, sizeof(job->name));
	job->checks = change->invitation[0] == '\0';
	memcpy(job->hash, change->user.password_hash, sizeof(job->hash));
	change->hash_job = NULL;
	if (hashers_post(change->auth->hashers, job, str_of(change->network), true))
		return;
	change->hash_job = job;
	answer(change, PASSWORD_CHANGE_BUSY);
}

static void read_done(struct ledger_job *job)
{
	struct password_change *change = container_of(job, struct password_change, job);
	bool asks_name = change->invitation[0] != '\0' && change->row.user_id == 0;

	if (!job->succeeded) {
		answer(change, auth_is_for_now("read whose password is to be set", &job->err)
				       ? PASSWORD_CHANGE_BUSY
				       : PASSWORD_CHANGE_FAILED);
	} else if (change->invitation[0] != '\0' && !change->is_invited) {
		int64_t wait_ms;

		/* A guess that was wrong: taken from the network, as of every unknown credential. */
		(void)!throttle_take(change->auth->throttle, THROTTLE_UNKNOWN,
				     str_of(change->network), clock_monotonic_ms(), &wait_ms);
		answer(change, PASSWORD_NOT_INVITED);
	} else if (asks_name && change->name[0] == '\0') {
		answer(change, PASSWORD_NAME_REFUSED);
	} else {
		hash(change);
	}
}

/* ---- beginning ---- */

static bool is_throttled(struct password_change *change)
{
	int64_t now_ms = clock_monotonic_ms();
	char user[32];

	if (change->invitation[0] != '\0')
		return !throttle_allows(change->auth->throttle, THROTTLE_UNKNOWN,
					str_of(change->network), now_ms, &change->wait_ms);
	/* Whoever found a browser signed in does not get to guess the password. */
	snprintf(user, sizeof(user), "user %lld", (long long)change->user_id);
	return !throttle_take(change->auth->throttle, THROTTLE_ACCOUNT_DEVICE, str_of(user), now_ms,
			      &change->wait_ms);
}

void password_change_start(struct auth *auth, struct mailbox *mailbox,
			   const struct password_change_request *request,
			   struct password_change_waiter *waiter)
{
	struct password_change *change = xcalloc(1, sizeof(*change));
	bool changes_own = request->invitation.len == 0;

	change->auth = auth;
	change->mailbox = mailbox;
	change->waiter = waiter;
	waiter->change = change;
	change->user_id = request->user_id;
	change->only_session_id = request->only_session_id;
	str_fit(request->invitation, change->invitation, sizeof(change->invitation));
	str_fit(request->address, change->address, sizeof(change->address));
	network_of_address(request->address, 64, change->network);
	if (request->name.len > 0 && !people_name(request->name, change->name, &change->err))
		change->name[0] = '\0';
	else if (request->name.len == 0)
		err_set(&change->err, ERR_INVALID, "a user needs a name");
	if (is_throttled(change)) {
		answer_later(change, PASSWORD_CHANGE_THROTTLED);
		return;
	}
	change->hash_job = hash_job_new(changes_own ? request->current : request->password);
	if (changes_own)
		hash_job_set_new(change->hash_job, request->password);
	change->job = (struct ledger_job){ .run = run_read, .done = read_done, .reply = mailbox };
	ledger_read(auth->ledger, &change->job);
}
