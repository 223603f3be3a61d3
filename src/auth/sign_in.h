/*
 * Signing in, and out.
 *
 *	READING  who has the name, how often it failed, is this browser known -> throttles
 *	HASHING  the password, on a hasher's thread; of a name that nobody has a dummy of the same cost
 *	WRITING  session, device and audit in one transaction; or the failure
 *
 * A wrong password, an unknown name, a disabled account and one without a password are one answer, in one time.
 * Each sign-in makes a new session and ends the one that was shown: whoever planted a cookie gains nothing.
 *
 * Thread: the loop of the mailbox.
 */
#pragma once

#include "auth/auth.h"
#include "auth/credential.h"
#include "auth/throttle.h"
#include "base/compiler.h"
#include "base/network.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct mailbox;

enum sign_in_result {
	SIGN_IN_GOOD,      /* session (and device, where device.text is not "") are set */
	SIGN_IN_WRONG,     /* name or password, or may not */
	SIGN_IN_THROTTLED, /* wait_ms */
	SIGN_IN_LOCKED, /* it failed too often, and waiting does not help: of nobody's name, too */
	SIGN_IN_BUSY, /* too many passwords wait to be hashed, or the ledger does not answer just now */
	SIGN_IN_FAILED, /* our database */
};
#define SIGN_IN_RESULTS (SIGN_IN_FAILED + 1)

/* What is asked; borrowed for the call. */
struct sign_in_request {
	struct str name, password;
	struct str device;  /* the credential of this browser, as its cookie has it; "": none */
	struct str session; /* the one that it shows now, which ends; "": none */
	struct str address; /* of the client */
	struct str agent;   /* its User-Agent */
};

struct sign_in; /* internal */

/* Embedded in who waits. */
struct sign_in_waiter {
	/* The secrets are wiped after the call. */
	void (*answered)(struct sign_in_waiter *waiter, enum sign_in_result result);
	struct sign_in *sign_in; /* internal: NULL once it was answered */
	struct credential session, device;
	int64_t wait_ms;
	unsigned tries_left; /* WRONG: before one has to wait */
	char throttled_name
		[USER_NAME_SIZE]; /* the account that is over its limit, or locked; "": the network is */
	int64_t max_age_s, device_max_age_s; /* of the cookies */
	struct user user;
};

/* answered() is called later, once, never from inside. */
void sign_in_start(struct auth *auth, struct mailbox *mailbox,
		   const struct sign_in_request *request, struct sign_in_waiter *waiter);
/* By what the failures of a name are counted (accounts/sign_in_failures.h). */
#define SIGN_IN_FAILURES_KEY_SIZE 33
void sign_in_failures_key(const struct auth *auth, const char *name,
			  char out[SIGN_IN_FAILURES_KEY_SIZE]);
/* Nobody waits any more: what is under way ends by itself, and counts. */
void sign_in_leave(struct sign_in_waiter *waiter);
