/*
 * Who may use it, for the whole process: what all serving loops share.
 *
 * Read-only once the loops run, but for what has a lock of its own (throttle.h, hashers.h).  What a
 * loop knows itself is in admission.h; what people do is in sign_in.h, people.h and grants.h, each a job of
 * the ledger whose change and whose entry in the audit are one transaction.
 */
#pragma once

#include "accounts/audit.h"
#include "accounts/credentials.h"
#include "audit/audit_trail.h"
#include "auth/auth_options.h"
#include "auth/known.h"
#include "auth/password_rules.h"
#include "auth/rights.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "ledger/ledger_jobs.h"

#include <stdbool.h>
#include <stdint.h>

struct credential;
struct hashers;
struct ledger;
struct played;
struct throttle;

/* In the data folder: the link for the first administrator, until it was used. */
#define AUTH_FIRST_FILE "first-administrator"

struct auth {
	struct auth_options options;
	struct password_rules rules;
	char *host;            /* of public_url, for the rules; NULL */
	struct ledger *ledger; /* borrowed */
	struct throttle *throttle;
	struct played *played;
	struct hashers *hashers; /* NULL: nobody signs in with a password */
	struct audit_trail audit;
	uint8_t *known_key;
	char *data_dir;
};

/*
 * Before ledger_start(): reads the keys, begins the chain of the audit.  ERR_INVALID: auth = none, though
 * somebody has a password; a contradiction in the options.  `public_url` may be NULL.
 */
bool auth_open(const struct auth_options *options, const char *data_dir, const char *public_url,
	       struct ledger *ledger, struct auth **out, struct err *err) MUST_CHECK;
/* After the loops, and before ledger_free(). */
void auth_free(struct auth *auth);
DEFINE_AUTO(struct auth *, auth_free)

/*
 * Before ledger_start(), with auth = password: where no administrator can sign in, an invitation for the first one is
 * made, and the one that an earlier start made is over; those of others who serve from the same ledger hold, until one is used.  out->text is "" where none is needed.
 */
bool auth_invite_first(struct auth *auth, struct credential *out, struct err *err) MUST_CHECK;

/*
 * A job of the ledger has failed, and so we cannot do `what`: logs why.  True: it does not answer just now, and may later (503);
 * false: the fault is ours.
 */
bool auth_is_for_now(const char *what, const struct err *err);

/* Who does something, for the audit. */
struct auth_actor {
	int64_t user_id; /* 0: a command on this machine, or nobody */
	char user_name[USER_NAME_SIZE];
	char credential[AUDIT_NAME_SIZE];
	char for_user[AUDIT_FOR_SIZE]; /* what a token's program says of whom it acts for */
	char address[AUDIT_ADDRESS_SIZE];
	uint16_t rights;
};

/*
 * One entry, in the transaction of what it tells of.  `body`: a JSON object, or NULL; `recording_sid` may be NULL.
 * Names that are not in the actor are looked up.
 */
bool auth_audit(const struct auth *auth, struct catalog *catalog, const struct auth_actor *actor,
		const char *kind, const char *recording_sid, const char *body,
		struct err *err) MUST_CHECK;

/*
 * How the actor is called where people read it, beside what was done: whom a token acts for, else the user, else the
 * name of the token; "" for a command on this machine.
 */
bool auth_actor_name(struct catalog *catalog, const struct auth_actor *actor, char *out,
		     size_t size, struct err *err) MUST_CHECK;

/*
 * May the user begin to play this recording?  False: too many others in the last hour; *out_wait_ms until the next.
 * Any thread.
 */
bool auth_may_begin_play(const struct auth *auth, uint64_t user_id, const char *recording_sid,
			 int64_t now_ms, int64_t *out_wait_ms) MUST_CHECK;

/* What a job of the ledger tells the loops: entries of a credential, of a user, or both, are known no longer. */
void auth_tell_credential(struct ledger_job *job, int64_t credential_id);
void auth_tell_user(struct ledger_job *job, int64_t user_id);

/* The first administrator is there: the file with the link goes. */
void auth_first_is_there(const struct auth *auth);
