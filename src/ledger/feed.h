/*
 * The feed: who hears of what has changed, in the order of commits.
 *
 * The writer tells it of each commit once, with the commit's sequence number (catalog_sequence()), after
 * the commit.  A listener, which keeps a copy of something, is told by its mailbox.  Who comes and goes
 * (a browser) asks for what came after the number that it heard last: a ring keeps the latest changes.
 */
#pragma once

#include "base/compiler.h"
#include "base/own.h"
#include "catalog/projection_change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mailbox;
struct feed;

/* Somebody who keeps a copy of what the ledger knows. */
struct ledger_listener {
	struct mailbox *mailbox;
	/* On the mailbox's loop. */
	void (*changed)(struct ledger_listener *listener, const struct projection_change *change,
			int64_t sequence);
	struct ledger_listener *next; /* internal */
};

/*
 * The most changes of one commit; more than fit belong to no feed.  The ring has room for some minutes
 * of a busy day (ten changes a second), in half a MiB: as long as a browser may be away and go on.
 */
#define FEED_COMMIT_MAX 512
#define FEED_RING       4096

struct feed_change {
	int64_t sequence;
	struct projection_change change;
};

/* `sequence`: the ledger's at this time; what came before it is not known. */
struct feed *feed_new(int64_t sequence);
void feed_free(struct feed *feed); /* the listeners are not its own; NULL does nothing */
DEFINE_AUTO(struct feed *, feed_free)

/* Before the writer starts. */
void feed_listen(struct feed *feed, struct ledger_listener *listener);
/*
 * The writer, after a commit: all of its changes (at most FEED_COMMIT_MAX) at once.  The sequence is larger than of
 * any commit told before.  count 0: the listeners are told nothing, but the number was given, and whoever read the ledger
 * meanwhile may come back with it; 0: nothing was committed.
 */
void feed_tell(struct feed *feed, const struct projection_change *changes, size_t count,
	       int64_t sequence);

/*
 * What was told is not what the ledger has: its numbers begin anew here, beyond all that were told, and nobody goes on from
 * those of before.
 */
void feed_begin_anew(struct feed *feed, int64_t sequence);

/* The number of the latest commit that was told, or of the beginning.  Any thread. */
int64_t feed_sequence(struct feed *feed);
/* What came after this number, or a later one, is not forgotten yet.  Any thread. */
int64_t feed_oldest(struct feed *feed);
/*
 * The changes that came after `sequence`, oldest first, whole commits: as many as fit into `size`, which is
 * at least FEED_COMMIT_MAX.  Go on with the sequence of the last one; *out_count 0: nothing has come.
 *
 * False: it is too old (some of what came after it is forgotten), or was never given: whoever asks reads
 * anew all that it shows, and goes on from feed_sequence() as it was before it read.  Any thread.
 */
bool feed_since(struct feed *feed, int64_t sequence, struct feed_change *out, size_t size,
		size_t *out_count) MUST_CHECK;
