/*
 * What one serving loop knows of recordings, by the SID of a recording or of a call.
 *
 * Stored media, with its open descriptor, is kept in a bounded cache; what lies in a bucket alone is had from there first, whole;
 * everything else
 * is asked of a reader each time, one query for all who wait for the same answer.  Files that the store sends away for want of
 * room are closed a moment later, and what is played is no such file: the store hears of it once a minute.  The
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
#include "media/media.h"

#include <stdbool.h>
#include <stdint.h>

struct media_cache;
struct ledger;
struct blob_store;
struct loop;
struct mailbox;

struct media_cache_options {
	unsigned entries_max; /* open descriptors: one each */
	int fd_max; /* a file beyond it takes the place of another: few descriptors are left */
	/* Fills media->lines when an entry enters the cache; may be NULL. */
	void (*prepare)(struct media *media);
};

enum media_found {
	MEDIA_FOUND_STORED,     /* media is set, its fd open */
	MEDIA_FOUND_RECORDING,  /* recording is set, in another state than STORED */
	MEDIA_FOUND_UNRECORDED, /* the call is known, a recording of it is not */
	MEDIA_FOUND_UNKNOWN,    /* no such call or recording */
	MEDIA_FOUND_AWAY, /* it is stored on another machine, which does not answer: err says why */
	MEDIA_FOUND_FAILED, /* err says why: our disk or our database */
};

/* Valid during the call of answered(). */
struct media_answer {
	enum media_found found;
	const struct media *media;
	const struct recording *recording;
	bool is_call_on; /* the call has not ended, as far as we know */
	struct err err;
};

/* Embedded in what waits for an answer. */
struct media_waiter {
	struct list link;
	void (*answered)(struct media_waiter *waiter, const struct media_answer *answer);
	bool takes_elsewhere; /* media whose fd is -1 will do: it lies in the bucket */
};

struct media_cache *media_cache_new(struct loop *loop, struct mailbox *mailbox,
				    struct ledger *ledger, struct blob_store *store,
				    const struct media_cache_options *options);
void media_cache_free(struct media_cache *cache); /* after the ledger was stopped */
DEFINE_AUTO(struct media_cache *, media_cache_free)

/* The warm path: stored media that is in the cache, or NULL; fd -1: its bytes are not here.  Valid until the next turn. */
const struct media *media_cache_known(struct media_cache *cache, struct str sid);
/* Asks; answered() is called later, never from inside.  The SID must be well-formed. */
void media_cache_ask(struct media_cache *cache, struct str sid, struct media_waiter *waiter);
/* Forgets it; does nothing when it was answered. */
void media_waiter_leave(struct media_waiter *waiter);
