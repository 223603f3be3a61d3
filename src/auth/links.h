/*
 * What the holder of a link does with it: opens it, and plays.
 *
 * Opening changes nothing but that a visit is made, for this browser: previews and scanners of mail burn
 * nothing.  The first media of a visit counts as a play (accounts/credentials.h), in a transaction that is committed before
 * the first byte goes out.
 */
#pragma once

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/compiler.h"
#include "base/str.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_PARTS_MAX 50
/* Kept of a link: more browsers than hear one recording at a time.  Whose visit went opens the page again. */
#define LINK_VISITS_MAX 200

/* One of several recordings that a link opens. */
struct link_part {
	char recording_sid[SID_SIZE];
	int64_t started_at_ms, duration_ms;
	struct kept kept;
};

/* POST /l/NAME/open */
struct link_open {
	struct ledger_job job; /* a write; done and reply are the caller's */
	struct auth *auth;
	struct auth_actor actor;
	char text[CREDENTIAL_SIZE];

	/* after it was written */
	enum link_play result; /* LINK_GONE: wrong or unknown */
	struct credential visit;
	int64_t visit_expires_at_ms;
	int64_t expires_at_ms; /* of the link; 0: never */
	bool shows_numbers;
	int64_t started_at_ms, duration_ms;
	struct call call; /* id 0: not known */
	/* Of a link to a whole call: what plays or will, oldest first.  0: it opens its recording alone. */
	size_t part_count;
	struct link_part parts[LINK_PARTS_MAX];
};
/* False: it is not of the form; as good as unknown. */
bool link_open_init(struct link_open *open, struct auth *auth, const struct auth_actor *actor,
		    struct str name, struct str secret) MUST_CHECK;

/*
 * The first GET of media by a link or a visit that the loop knows; further ones are within its window.  HEAD asks
 * what GET would be answered, and is no play.
 */
struct link_play_job {
	struct ledger_job job; /* a write, of HEAD a read; done and reply are the caller's */
	int64_t credential_id;
	char recording_sid
		[SID_SIZE]; /* which one is asked for; LINK_GONE where the link does not open it */
	enum link_play result;
	int64_t window_until_ms;
};
void link_play_init(struct link_play_job *play, int64_t credential_id, const char *recording_sid);
void link_play_init_head(struct link_play_job *play, int64_t credential_id,
			 const char *recording_sid);
