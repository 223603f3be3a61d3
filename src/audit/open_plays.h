/*
 * Who plays what just now, on one serving loop: for the audit, and to know which plays are new.
 *
 * A player asks for a recording piece by piece; a play is all requests of one credential for one recording without
 * 90 s of silence between them.  Those that save it are a play of their own, told as a download, whoever plays it
 * beside that.  A request costs a look into a table of fixed size and some additions; entries of the
 * audit gather in an array, and go to the ledger's writer every quarter of a second.  Nothing here waits.
 *
 * What was sent is not what was heard: players report that (open_plays_heard()), and it is told with the play, as their
 * word.  A report keeps a play going as a request does.
 *
 * A full table ends its longest silent play early: it is split, never lost.  Where the ledger does not keep up, so
 * many entries are left out, and the next one says how many; with audit.when_full = refuse plays are refused before that.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "base/compiler.h"
#include "base/line_pairs.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_trail;
struct heard;
struct loop;
struct mailbox;
struct open_plays;

#define OPEN_PLAYS_PLACES 16384

/* All that is handed in is borrowed and outlives it.  `lines`: OPEN_PLAYS_PLACES of them, zeros. */
struct open_plays *open_plays_new(const struct audit_trail *trail, struct loop *loop,
				  struct mailbox *mailbox, struct lines lines);
/* What is open is ended and handed to the ledger, as the last job before ledger_stop(). */
void open_plays_end_all(struct open_plays *plays);
void open_plays_free(struct open_plays *plays); /* after the ledger was stopped */

enum open_play {
	OPEN_PLAY_NEW,        /* it may begin: open_plays_begin() */
	OPEN_PLAY_ON,         /* a part of one that has begun */
	OPEN_PLAY_UNRECORDED, /* new, but the audit is full, and audit.when_full = refuse */
};

/* Who asks; `address` and `for_user` go into the audit. */
struct play_request {
	uint64_t user_id, credential_id; /* 0: none */
	unsigned
		near; /* 1 + the place where the first of their plays stands, if it can; 0: anywhere */
	struct str for_user, address;
	const char *recording_sid;
	bool is_download; /* saved, not heard */
};

/* Somebody is about to ask whose first play stands there: it is wanted from memory. */
void open_plays_expect(const struct open_plays *plays, unsigned place);
/* Before media is sent.  *out_key: the play's number. */
enum open_play open_plays_look(struct open_plays *plays, const struct play_request *request,
			       uint64_t *out_key);
void open_plays_begin(struct open_plays *plays, const struct play_request *request, uint64_t key);
/* A reply of that play has ended, with so many bytes of media sent. */
void open_plays_sent(struct open_plays *plays, uint64_t key, uint64_t sent_bytes);
/*
 * Their player says that this was heard.  A report of a play that is not on this loop is an entry of its own once no more
 * comes: the loop that sends the media tells of that.
 */
void open_plays_heard(struct open_plays *plays, const struct play_request *request,
		      const struct heard *heard);
/* Entries of the audit that were left out, since the start: any thread. */
uint64_t open_plays_left_out(const struct open_plays *plays);
/* Has some of it been sent, within the last 90 s? */
bool open_plays_is_on(struct open_plays *plays, const struct play_request *request);
