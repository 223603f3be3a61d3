#include "auth/sign_in.h"

#include "accounts/sign_in_failures.h"
#include "auth/hashers.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"

#include <sodium.h>
#include <stdlib.h>

#define SESSIONS_MAX  20 /* of a user: some browsers on some machines; the longest unseen goes */
#define DEVICE_MS     (INT64_C(180) * 24 * 60 * 60 * 1000)
#define DEVICES_MAX   20
#define MINUTE_MS     (60 * 1000)
#define WAIT_MOST_MS  (15 * MINUTE_MS)
#define FREE_FAILURES 10 /* then each one doubles the wait */
#define LOCK_FAILURES \
	100           /* NIST SP 800-63B-4, 3.2.2: then from known browsers alone, or by a reset */
#define BODY_SIZE 512 /* a name of 64 bytes takes up to 384 in JSON */

enum failure {
	FAILURE_NONE,
	FAILURE_NAME,
	FAILURE_DISABLED,
	FAILURE_NO_PASSWORD,
	FAILURE_PASSWORD
};

struct sign_in {
	struct ledger_job job;
	struct auth *auth;
	struct mailbox *mailbox;
	struct sign_in_waiter *waiter; /* NULL: left */
	struct hash_job *hash_job;     /* but while a hasher has it */
	struct hash_asker hash_asker;

	char name[USER_NAME_SIZE];
	char name_hash[SIGN_IN_FAILURES_KEY_SIZE];
	char device[CREDENTIAL_SIZE], session[CREDENTIAL_SIZE];
	char address[AUDIT_ADDRESS_SIZE], network[NETWORK_TEXT_SIZE], wide[NETWORK_TEXT_SIZE];
	char agent[CREDENTIAL_AGENT_SIZE];

	/* what the ledger says */
	struct user user; /* id 0: nobody has the name */
	struct sign_in_failures failures;
	bool is_known_device;

	/* what comes of it */
	enum failure failure;
	enum sign_in_result result;
	bool is_account_refused; /* throttled or locked; else the network is */
	int64_t wait_ms;
	char new_hash[PASSWORD_HASH_SIZE];
	struct credential new_session, new_device;
	struct mail mail; /* of an answer that needed no thread */
};

static void sign_in_free(struct sign_in *sign_in)
{
	hash_job_free(sign_in->hash_job);
	sodium_memzero(sign_in, sizeof(*sign_in));
	free(sign_in);
}

/* ---- the answer ---- */

/* Of the limits that this try counted for, the one that is reached first; no account is told from none. */
static unsigned tries_left(const struct sign_in *sign_in)
{
	int64_t now_ms = clock_monotonic_ms();
	struct throttle *throttle = sign_in->auth->throttle;
	const struct {
		enum throttle_rule rule;
		const char *key;
	} limits[] = {
		{ sign_in->is_known_device ? THROTTLE_ACCOUNT_DEVICE : THROTTLE_ACCOUNT,
		  sign_in->name },
		{ THROTTLE_NETWORK, sign_in->network },
		{ THROTTLE_NETWORK_WIDE, sign_in->wide },
	};
	unsigned least = FREE_FAILURES, failed = (unsigned)sign_in->failures.count + 1;

	if (!sign_in->is_known_device)
		least = failed < FREE_FAILURES ? FREE_FAILURES - failed : 0;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		unsigned left =
			throttle_left(throttle, limits[i].rule, str_of(limits[i].key), now_ms);

		if (left < least)
			least = left;
	}
	return least;
}

static void answer(struct sign_in *sign_in)
{
	struct sign_in_waiter *waiter = sign_in->waiter;

	if (!waiter) {
		sign_in_free(sign_in);
		return;
	}
	waiter->sign_in = NULL;
	waiter->session = sign_in->new_session;
	waiter->device = sign_in->new_device;
	waiter->wait_ms = sign_in->wait_ms;
	waiter->tries_left = sign_in->result == SIGN_IN_WRONG ? tries_left(sign_in) : 0;
	if (sign_in->is_account_refused)
		memcpy(waiter->throttled_name, sign_in->name, sizeof(sign_in->name));
	waiter->user = sign_in->user;
	waiter->max_age_s = sign_in->auth->options.session_max_ms / 1000;
	waiter->device_max_age_s = DEVICE_MS / 1000;
	waiter->answered(waiter, sign_in->result);
	sign_in_free(sign_in);
}

static void deliver_answer(struct mail *mail)
{
	answer(container_of(mail, struct sign_in, mail));
}

static void answer_later(struct sign_in *sign_in, enum sign_in_result result)
{
	sign_in->result = result;
	sign_in->mail.deliver = deliver_answer;
	mailbox_post(sign_in->mailbox, &sign_in->mail);
}

void sign_in_leave(struct sign_in_waiter *waiter)
{
	if (waiter->sign_in)
		waiter->sign_in->waiter = NULL;
	waiter->sign_in = NULL;
}

/* ---- writing what came of it ---- */

static const char *failure_text(enum failure failure)
{
	static const char *const texts[] = {
		[FAILURE_NONE] = "",
		[FAILURE_NAME] = "unknown name",
		[FAILURE_DISABLED] = "disabled",
		[FAILURE_NO_PASSWORD] = "no password",
		[FAILURE_PASSWORD] = "wrong password",
	};

	return texts[failure];
}

static void fill_actor(const struct sign_in *sign_in, struct auth_actor *out)
{
	*out = (struct auth_actor){ .user_id = sign_in->user.id };
	memcpy(out->user_name, sign_in->user.name, sizeof(out->user_name));
	memcpy(out->address, sign_in->address, sizeof(out->address));
}

static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);
	char text[BODY_SIZE];
	struct auth_actor actor;
	struct json json;
	struct buf body;

	fill_actor(sign_in, &actor);
	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_text(&json, "reason", str_of(failure_text(sign_in->failure)));
	json_text(&json, "name", str_of(sign_in->name));
	json_close(&json, '}');
	return sign_in_failures_add(catalog, str_of(sign_in->name_hash), clock_wall_ms(), err) &&
	       auth_audit(sign_in->auth, catalog, &actor, "sign_in_failed", NULL,
			  buf_ok(&body) ? text : NULL, err);
}

static void failed_written(struct ledger_job *job)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);

	if (!job->succeeded)
		log_error(NULL, "cannot write of a failed sign-in: %s", job->err.text);
	sign_in->result = SIGN_IN_WRONG;
	answer(sign_in);
}

/* The session that the browser shows ends, if it is one. */
static bool end_shown(struct sign_in *sign_in, struct catalog *catalog, struct err *err)
{
	struct str text = str_of(sign_in->session);
	uint8_t hash[SHA256_BYTES];
	struct credential_row row;
	struct user user;

	if (!credential_is_well_formed(text))
		return true;
	if (!credentials_find(catalog, credential_name(text), &row, &user, err))
		return err->kind == ERR_NOT_FOUND;
	credential_hash(text, hash);
	if (row.kind != CREDENTIAL_SESSION || !bytes_equal_secret(hash, row.hash, sizeof(hash)))
		return true;
	auth_tell_credential(&sign_in->job, row.id); /* it may be another user's */
	return credentials_end(catalog, row.id, err);
}

static bool add_credential(struct sign_in *sign_in, struct catalog *catalog,
			   enum credential_kind kind, const struct credential *secret,
			   int64_t lasts_ms, struct err *err)
{
	struct credential_row row = { .kind = kind, .user_id = sign_in->user.id };

	row.made_at_ms = row.seen_at_ms = clock_wall_ms();
	row.expires_at_ms = row.made_at_ms + lasts_ms;
	row.rights = kind == CREDENTIAL_SESSION ? RIGHTS_ALL
						: 0; /* the role's mask is laid over it */
	memcpy(row.name, secret->name, sizeof(row.name));
	memcpy(row.hash, secret->hash, sizeof(row.hash));
	str_fit(str_of(sign_in->network), row.network, sizeof(row.network));
	memcpy(row.agent, sign_in->agent, sizeof(row.agent));
	return credentials_add(catalog, &row, err);
}

static bool add_device(struct sign_in *sign_in, struct catalog *catalog, struct err *err)
{
	if (sign_in->is_known_device)
		return true;
	return add_credential(sign_in, catalog, CREDENTIAL_DEVICE, &sign_in->new_device, DEVICE_MS,
			      err) &&
	       credentials_keep(catalog, sign_in->user.id, CREDENTIAL_DEVICE, DEVICES_MAX, err);
}

static bool run_good(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);
	struct auth_actor actor;
	struct user now;

	/* Disabled or deleted, or given another password, while this one was hashed. */
	if (!users_find(catalog, sign_in->user.id, &now, err))
		return false;
	if (now.is_disabled || strcmp(now.password_hash, sign_in->user.password_hash) != 0)
		return err_set(err, ERR_CONFLICT, "the account changed meanwhile");
	fill_actor(sign_in, &actor);
	memcpy(actor.credential, sign_in->new_session.name, sizeof(actor.credential));
	return (sign_in->new_hash[0] == '\0' ||
		users_set_password(catalog, sign_in->user.id, str_of(sign_in->new_hash), err)) &&
	       end_shown(sign_in, catalog, err) &&
	       add_credential(sign_in, catalog, CREDENTIAL_SESSION, &sign_in->new_session,
			      sign_in->auth->options.session_max_ms, err) &&
	       credentials_keep(catalog, sign_in->user.id, CREDENTIAL_SESSION, SESSIONS_MAX, err) &&
	       add_device(sign_in, catalog, err) &&
	       users_signed_in(catalog, sign_in->user.id, clock_wall_ms(), err) &&
	       sign_in_failures_clear(catalog, str_of(sign_in->name_hash), err) &&
	       auth_audit(sign_in->auth, catalog, &actor, "signed_in", NULL, NULL, err);
}

static void good_written(struct ledger_job *job)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);
	enum err_kind kind = job->err.kind;

	if (job->succeeded) {
		sign_in->result = SIGN_IN_GOOD;
	} else if (kind == ERR_CONFLICT || kind == ERR_NOT_FOUND) {
		sign_in->result = SIGN_IN_WRONG;
	} else {
		sign_in->result = auth_is_for_now("sign in", &job->err) ? SIGN_IN_BUSY
									: SIGN_IN_FAILED;
	}
	if (!job->succeeded) {
		credential_wipe(&sign_in->new_session);
		credential_wipe(&sign_in->new_device);
	}
	answer(sign_in);
}

static void write_job(struct sign_in *sign_in,
		      bool (*run)(struct ledger_job *job, struct catalog *catalog, struct err *err),
		      void (*done)(struct ledger_job *job))
{
	sign_in->job = (struct ledger_job){ .run = run, .done = done, .reply = sign_in->mailbox };
	if (run == run_good)
		auth_tell_user(&sign_in->job, sign_in->user.id);
	ledger_write(sign_in->auth->ledger, &sign_in->job);
}

static void write_good(struct sign_in *sign_in)
{
	int64_t now_ms = clock_monotonic_ms();
	struct throttle *throttle = sign_in->auth->throttle;

	throttle_give_back(throttle, THROTTLE_NETWORK, str_of(sign_in->network), now_ms);
	throttle_give_back(throttle, THROTTLE_NETWORK_WIDE, str_of(sign_in->wide), now_ms);
	throttle_give_back(throttle,
			   sign_in->is_known_device ? THROTTLE_ACCOUNT_DEVICE : THROTTLE_ACCOUNT,
			   str_of(sign_in->name), now_ms);
	credential_make(&sign_in->new_session);
	if (!sign_in->is_known_device)
		credential_make(&sign_in->new_device);
	write_job(sign_in, run_good, good_written);
}

/* ---- hashing ---- */

static void hashed(struct hash_job *job)
{
	struct sign_in *sign_in = container_of(job->asker, struct sign_in, hash_asker);

	sign_in->hash_job = job; /* freed with it */
	if (!job->succeeded) {
		log_error(NULL, "cannot check a password: %s", job->err.text);
		sign_in->result = SIGN_IN_FAILED;
		answer(sign_in);
		return;
	}
	if (job->is_right && sign_in->failure == FAILURE_NONE) {
		memcpy(sign_in->new_hash, job->new_hash, sizeof(sign_in->new_hash));
		write_good(sign_in);
		return;
	}
	if (sign_in->failure == FAILURE_NONE)
		sign_in->failure = FAILURE_PASSWORD;
	log_debug(NULL, "sign-in of \"%s\" from %s: %s", sign_in->name, sign_in->network,
		  failure_text(sign_in->failure));
	write_job(sign_in, run_failed, failed_written);
}

static void hash(struct sign_in *sign_in)
{
	struct hash_job *job = sign_in->hash_job;

	job->reply = sign_in->mailbox;
	job->done = hashed;
	job->asker = &sign_in->hash_asker;
	job->checks = true;
	memcpy(job->hash, sign_in->user.password_hash, sizeof(job->hash));
	sign_in->hash_job = NULL;
	if (hashers_post(sign_in->auth->hashers, job, str_of(sign_in->network),
			 sign_in->is_known_device))
		return;
	sign_in->hash_job = job;
	sign_in->result = SIGN_IN_BUSY;
	answer(sign_in);
}

/* ---- reading, and the throttle of the account ---- */

static bool find_device(struct sign_in *sign_in, struct catalog *catalog, struct err *err)
{
	struct str text = str_of(sign_in->device);
	uint8_t hash[SHA256_BYTES];
	struct credential_row row;
	struct user user;

	sign_in->is_known_device = false;
	if (!credential_is_well_formed(text))
		return true;
	if (!credentials_find(catalog, credential_name(text), &row, &user, err))
		return err->kind == ERR_NOT_FOUND;
	credential_hash(text, hash);
	sign_in->is_known_device = row.kind == CREDENTIAL_DEVICE && sign_in->user.id != 0 &&
				   row.user_id == sign_in->user.id &&
				   row.expires_at_ms > clock_wall_ms() &&
				   bytes_equal_secret(hash, row.hash, sizeof(hash));
	return true;
}

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);

	sign_in->user = (struct user){ .id = 0 };
	if (!users_find_name(catalog, USER_OWN, str_of(sign_in->name), &sign_in->user, err) &&
	    err->kind != ERR_NOT_FOUND)
		return false;
	return find_device(sign_in, catalog, err) &&
	       sign_in_failures_find(catalog, str_of(sign_in->name_hash), &sign_in->failures, err);
}

/* How long an account that failed so often waits, from a browser that is not known. */
static int64_t account_wait_ms(const struct sign_in_failures *failures, int64_t now_ms)
{
	int64_t over = failures->count - FREE_FAILURES;
	int64_t wait_ms = WAIT_MOST_MS;

	if (over < 0)
		return 0;
	if (over < 4)
		wait_ms = (int64_t)MINUTE_MS << over;
	if (wait_ms > WAIT_MOST_MS)
		wait_ms = WAIT_MOST_MS;
	/* A clock that went back must not lengthen it. */
	if (failures->at_ms > now_ms)
		return wait_ms;
	return failures->at_ms + wait_ms > now_ms ? failures->at_ms + wait_ms - now_ms : 0;
}

/* By the name alone, be it anybody's or not: nothing tells them apart. */
static bool is_account_locked(const struct sign_in *sign_in)
{
	return !sign_in->is_known_device && sign_in->failures.count >= LOCK_FAILURES;
}

static bool is_account_throttled(struct sign_in *sign_in)
{
	enum throttle_rule rule = sign_in->is_known_device ? THROTTLE_ACCOUNT_DEVICE
							   : THROTTLE_ACCOUNT;

	if (!sign_in->is_known_device)
		sign_in->wait_ms = account_wait_ms(&sign_in->failures, clock_wall_ms());
	if (sign_in->wait_ms > 0)
		return true;
	return !throttle_take(sign_in->auth->throttle, rule, str_of(sign_in->name),
			      clock_monotonic_ms(), &sign_in->wait_ms);
}

static void refuse_account(struct sign_in *sign_in, enum sign_in_result result)
{
	sign_in->is_account_refused = true;
	sign_in->result = result;
	answer(sign_in);
}

static void read_done(struct ledger_job *job)
{
	struct sign_in *sign_in = container_of(job, struct sign_in, job);

	if (!job->succeeded) {
		sign_in->result = auth_is_for_now("read who signs in", &job->err) ? SIGN_IN_BUSY
										  : SIGN_IN_FAILED;
		answer(sign_in);
		return;
	}
	if (is_account_locked(sign_in)) {
		refuse_account(sign_in, SIGN_IN_LOCKED);
		return;
	}
	if (is_account_throttled(sign_in)) {
		refuse_account(sign_in, SIGN_IN_THROTTLED);
		return;
	}
	if (sign_in->user.id == 0)
		sign_in->failure = FAILURE_NAME;
	else if (sign_in->user.is_disabled)
		sign_in->failure = FAILURE_DISABLED;
	else if (sign_in->user.password_hash[0] == '\0')
		sign_in->failure = FAILURE_NO_PASSWORD;
	hash(sign_in);
}

/* ---- beginning ---- */

void sign_in_failures_key(const struct auth *auth, const char *name,
			  char out[SIGN_IN_FAILURES_KEY_SIZE])
{
	uint8_t bytes[(SIGN_IN_FAILURES_KEY_SIZE - 1) / 2];
	struct buf buf;

	/* Under the audit's key: who has the ledger alone cannot try names against it. */
	crypto_generichash(bytes, sizeof(bytes), (const uint8_t *)name, strlen(name),
			   auth->audit.key->bytes, sizeof(auth->audit.key->bytes));
	buf_over(&buf, out, SIGN_IN_FAILURES_KEY_SIZE);
	hex_add(&buf, bytes, sizeof(bytes));
}

static bool is_network_throttled(struct sign_in *sign_in)
{
	int64_t now_ms = clock_monotonic_ms();
	struct throttle *throttle = sign_in->auth->throttle;

	return !throttle_take(throttle, THROTTLE_NETWORK, str_of(sign_in->network), now_ms,
			      &sign_in->wait_ms) ||
	       !throttle_take(throttle, THROTTLE_NETWORK_WIDE, str_of(sign_in->wide), now_ms,
			      &sign_in->wait_ms);
}

void sign_in_start(struct auth *auth, struct mailbox *mailbox,
		   const struct sign_in_request *request, struct sign_in_waiter *waiter)
{
	struct sign_in *sign_in = xcalloc(1, sizeof(*sign_in));

	sign_in->auth = auth;
	sign_in->mailbox = mailbox;
	sign_in->waiter = waiter;
	waiter->sign_in = sign_in;
	str_fit(request->name, sign_in->name, sizeof(sign_in->name));
	str_fit(request->device, sign_in->device, sizeof(sign_in->device));
	str_fit(request->session, sign_in->session, sizeof(sign_in->session));
	str_fit(request->address, sign_in->address, sizeof(sign_in->address));
	str_fit(request->agent, sign_in->agent, sizeof(sign_in->agent));
	network_of_address(request->address, 64, sign_in->network);
	network_of_address(request->address, 48, sign_in->wide);
	sign_in_failures_key(auth, sign_in->name, sign_in->name_hash);
	if (is_network_throttled(sign_in)) {
		answer_later(sign_in, SIGN_IN_THROTTLED);
		return;
	}
	/* Before the ledger is asked, and guarded memory is taken: whoever guesses costs little. */
	if (sign_in->device[0] == '\0' && !hashers_have_room(auth->hashers)) {
		answer_later(sign_in, SIGN_IN_BUSY);
		return;
	}
	sign_in->hash_job = hash_job_new(request->password);
	sign_in->job = (struct ledger_job){ .run = run_read, .done = read_done, .reply = mailbox };
	ledger_read(auth->ledger, &sign_in->job);
}
