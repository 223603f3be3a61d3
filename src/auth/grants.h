/*
 * What is given out and taken back: API tokens, links and sessions; each a job of the ledger, audited in the same
 * transaction, for a route (ledger_write()) or a command (ledger_write_now()).
 */
#pragma once

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A token or a link to be made. */
struct grant {
	struct ledger_job job; /* ready to be written: done and reply are the caller's */
	struct auth *auth;
	struct auth_actor actor;
	struct credential_row
		row; /* kind, rights, note ... are the caller's; name and hash are not */
	struct credential secret; /* after it was written; to be wiped */
};

/*
 * A token: `rights` are at most the maker's.  ERR_INVALID: they are more, or none.  expires_in_ms 0 or INT64_MAX: never.
 * `note` names it in lists.
 */
bool grant_token_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		      uint16_t rights, int64_t expires_in_ms, struct str note,
		      struct err *err) MUST_CHECK;

/*
 * A token of the doctor's, for a moment: it opens what the doctor plays, and `recording_sid` ("": none) beside that, and may
 * read.
 */
void grant_doctor_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		       struct str recording_sid, int64_t expires_in_ms);

/* What a link may be used for. */
struct link_terms {
	bool is_of_whole_call; /* all recordings of the call, those that are still to come among them */
	int64_t expires_in_ms; /* 0: 7 days; at most link.max */
	int64_t plays_max;     /* 0: as often as you like */
	bool shows_numbers;
	struct str note, for_user;
};
/*
 * A link to one recording, by its SID or its call's: then the call's main recording.  The job fails with ERR_NOT_FOUND
 * where there is none; row.recording_sid says which it is.
 */
bool grant_link_init(struct grant *grant, struct auth *auth, const struct auth_actor *actor,
		     struct str sid, const struct link_terms *terms, struct err *err) MUST_CHECK;

/* One that ends, by its public name. */
struct revocation {
	struct ledger_job job;
	struct auth *auth;
	struct auth_actor actor;
	enum credential_kind kind;
	char name[CREDENTIAL_NAME_SIZE];
	bool owns_all; /* else the actor's own alone: another's is ERR_NOT_FOUND */
};
/* ERR_INVALID: it is no name of a credential. */
bool revocation_init(struct revocation *revocation, struct auth *auth,
		     const struct auth_actor *actor, enum credential_kind kind, struct str name,
		     bool owns_all, struct err *err) MUST_CHECK;
