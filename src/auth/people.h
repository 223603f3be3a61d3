/*
 * What an administrator does with users: one job of the ledger each, in whose transaction the audit is
 * written, too.  An administrator never knows a password: who is added, or forgot theirs, gets a link that
 * works once.
 *
 * The same job serves a route (ledger_write()) and a command (ledger_write_now()).
 */
#pragma once

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum people_action {
	PEOPLE_ADD,    /* name, full_name, role -> secret of an invitation */
	PEOPLE_RENAME, /* new_name */
	PEOPLE_ROLE,   /* role */
	PEOPLE_DISABLE,
	PEOPLE_ENABLE,
	PEOPLE_DELETE,
	PEOPLE_RESET, /* -> secret of an invitation; the old password goes on until it is used */
	PEOPLE_END_SESSIONS,
};

struct people_change {
	struct ledger_job job; /* ready to be written: done and reply are the caller's */
	struct auth *auth;
	struct auth_actor actor;
	enum people_action action;
	enum user_source
		source; /* of whom it is about: with auth = proxy of the proxy's, else own */
	char name[USER_NAME_SIZE], new_name[USER_NAME_SIZE], full_name[USER_FULL_NAME_SIZE];
	enum role role;

	struct credential secret; /* after it was written; to be wiped */
	struct user user;         /* as it was before the change, or is after PEOPLE_ADD */
};

/*
 * Sets all but what the action takes beside the name.  ERR_INVALID: it is no name.  What the job then fails with:
 * ERR_NOT_FOUND no such user, ERR_CONFLICT a name that is taken, or the last administrator.
 */
bool people_change_init(struct people_change *change, struct auth *auth,
			const struct auth_actor *actor, enum people_action action, struct str name,
			struct err *err) MUST_CHECK;

/*
 * A user's name as it is stored: letters in lower case, digits, and . _ @ + -, at most 64.  ERR_INVALID says what is
 * wrong.
 */
bool people_name(struct str text, char out[USER_NAME_SIZE], struct err *err) MUST_CHECK;
