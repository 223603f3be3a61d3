/*
 * Who plays what just now, on one serving loop: for the audit, and for the limit of a user.
 *
 * A player asks for a recording piece by piece; a play is all requests of one credential for one recording without
 * 90 s of silence between them.  A request costs a look into a table of fixed size and some additions; entries of the
 * audit gather in an array, and go to the ledger's writer every quarter of a second.  Nothing here waits.
 *
 * A full table ends its longest silent play early: it is split, never lost.  Where the ledger does not keep up, so
 * many entries are left out, and the next one says how many; with audit.when_full = refuse plays are refused before that.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "auth/auth.h"
#include "auth/known.h"
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct mailbox;
struct open_plays;

/* All that is handed in is borrowed and outlives it. */
struct open_plays *open_plays_new(struct auth *auth, struct loop *loop, struct mailbox *mailbox);
/* What is open is ended and handed to the ledger, as the last job before ledger_stop(). */
void open_plays_end_all(struct open_plays *plays);
void open_plays_free(struct open_plays *plays); /* after the ledger was stopped */

enum play_admission {
	PLAY_ADMITTED,
	PLAY_LIMITED,    /* the user has begun too many in the last hour */
	PLAY_UNRECORDED, /* the audit is full, and audit.when_full = refuse */
};

/* Who asks; `address` and `for_user` go into the audit. */
struct play_request {
	const struct known *who; /* NULL: everybody may (auth = none) */
	struct str for_user, address;
	const char *recording_sid;
	bool is_download; /* saved, not heard */
};

/* Before media is sent.  *out_key: with PLAY_ADMITTED, its number; *out_wait_ms: with PLAY_LIMITED. */
enum play_admission open_plays_admit(struct open_plays *plays, const struct play_request *request,
				     uint64_t *out_key, int64_t *out_wait_ms);
/* A reply of that play has ended, with so many bytes of media sent. */
void open_plays_sent(struct open_plays *plays, uint64_t key, uint64_t sent_bytes);
/* Has some of it been sent, within the last 90 s? */
bool open_plays_is_on(struct open_plays *plays, const struct play_request *request);
