/*
 * What one serving loop knows of recordings, by the SID of a recording or of a call.
 *
 * Stored media, with its open descriptor, is kept in a bounded cache; everything else
 * is asked of a reader each time, one inquiry for all who wait for the same answer.  The
 * ledger's broadcasts drop what changed.  An answer that is older than a broadcast about
 * the same recording is asked again: snapshots carry the ledger's sequence number.
 *
 * Thread: the serving loop's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/recordings.h"
#include "spool/media.h"

#include <stdbool.h>
#include <stdint.h>

struct lookup;
struct ledger;
struct blob_store;
struct loop;
struct mailbox;

struct lookup_options {
	unsigned entries_max; /* open descriptors: one each */
	int fd_max; /* a file beyond it takes the place of another: few descriptors are left */
	/* Fills media->lines when an entry enters the cache; may be NULL. */
	void (*prepare)(struct media *media);
};

enum lookup_found {
	LOOKUP_STORED,     /* media is set, its fd open */
	LOOKUP_RECORDING,  /* recording is set, in another state than STORED */
	LOOKUP_UNRECORDED, /* the call is known, a recording of it is not */
	LOOKUP_UNKNOWN,    /* no such call or recording */
	LOOKUP_FAILED,     /* err says why: our disk or our database */
};

/* Valid during the call of answered(). */
struct lookup_answer {
	enum lookup_found found;
	const struct media *media;
	const struct recording *recording;
	bool is_call_on; /* the call has not ended, as far as we know */
	struct err err;
};

/* Embedded in what waits for an answer. */
struct inquirer {
	struct list link;
	void (*answered)(struct inquirer *inquirer, const struct lookup_answer *answer);
};

struct lookup *lookup_new(struct loop *loop, struct mailbox *mailbox, struct ledger *ledger,
			  struct blob_store *store, const struct lookup_options *options);
void lookup_free(struct lookup *lookup); /* after the ledger was stopped */
DEFINE_AUTO(struct lookup *, lookup_free)

/* The warm path: stored media that is in the cache, or NULL.  Valid until the next turn. */
const struct media *lookup_get(struct lookup *lookup, struct str sid);
/* Asks; answered() is called later, never from inside.  The SID must be well-formed. */
void lookup_ask(struct lookup *lookup, struct str sid, struct inquirer *inquirer);
/* Forgets it; does nothing when it was answered. */
void inquirer_leave(struct inquirer *inquirer);
