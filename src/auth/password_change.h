/*
 * Setting a password: by an invitation, or of one's own account with the current one; and ending all other
 * sessions, which asks for the current one, too.
 *
 *	READING   is the invitation good, whose account is it
 *	HASHING   the current password, the rules, the new hash: on a hasher's thread
 *	WRITING   in one transaction: the hash, the end of all sessions and devices, the invitation's, the audit
 *
 * An invitation is read before anything is hashed: who has none costs nothing.
 *
 * Thread: the loop of the mailbox.
 */
#pragma once

#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/password_rules.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct mailbox;

enum password_change_result {
	PASSWORD_CHANGED, /* user is set, and with a session its successor; or the others have ended */
	PASSWORD_NOT_INVITED,  /* unknown, spent or over */
	PASSWORD_NAME_REFUSED, /* of the first administrator: `err` says why */
	PASSWORD_NAME_TAKEN,
	PASSWORD_REFUSED, /* `fault` says why */
	PASSWORD_CURRENT_WRONG,
	PASSWORD_CHANGE_THROTTLED, /* wait_ms */
	PASSWORD_CHANGE_BUSY,      /* as of sign_in.h */
	PASSWORD_CHANGE_FAILED,    /* our database, or the file of breached passwords */
};

/* What is asked; borrowed for the call. */
struct password_change_request {
	struct str invitation; /* else: */
	int64_t user_id;       /* whose password is changed, by themselves */
	struct str current;
	/* With user_id: the password stays, all sessions end but this one.  0: it is changed. */
	int64_t only_session_id;
	struct str name; /* of the first administrator, whose account is made now */
	struct str password;
	struct str address;
};

struct password_change; /* internal */

/* Embedded in who waits. */
struct password_change_waiter {
	/* The secret is wiped after the call. */
	void (*answered)(struct password_change_waiter *waiter, enum password_change_result result);
	struct password_change *change; /* internal */
	enum password_fault fault;
	struct err err;
	int64_t wait_ms;
	struct user user;
	struct credential session; /* the new session of who changed their own */
	int64_t max_age_s;
};

/* answered() is called later, once, never from inside. */
void password_change_start(struct auth *auth, struct mailbox *mailbox,
			   const struct password_change_request *request,
			   struct password_change_waiter *waiter);
void password_change_leave(struct password_change_waiter *waiter);
