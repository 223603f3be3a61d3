/*
 * Who takes jobs, runs all that wait in one transaction, and answers them after its commit: the writer, and on a ledger that
 * is on a server the quick writer beside it.  For the files of this room alone.
 *
 * When a job fails, or the commit does, the whole batch is rolled back and its jobs run
 * again one by one, each in a transaction of its own: the usual way stays one
 * transaction without savepoints, and one bad job costs its neighbours only time.  Not so where a commit is in doubt
 * (catalog/catalog.h): what may be done already is answered as failed, and not run again.  Nor where the server cannot be
 * reached: then all are answered, those that came meanwhile as well, for each would wait as long in vain.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/trouble.h"
#include "catalog/projection_change.h"
#include "catalog/turn_news.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"
#include "ledger/ledger_jobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct catalog_ahead;
struct reserve;

struct writer {
	struct catalog *catalog; /* owned */
	struct ledger_queue queue;
	struct reserve *reserve; /* NULL: none */
	struct feed *feed;       /* NULL: what it does is told by turns, later */
	struct trouble *trouble; /* of writing */
	struct ledger_times times;
	pthread_t thread;
	bool is_running;
	bool has_appended; /* events, by what it was given last to write */

	/* With a feed, on a server: what other processes had to tell. */
	struct turn_hearer hearer;
	int64_t heard;  /* the turn up to which all is told */
	bool hears;     /* others may have turns, too */
	bool is_behind; /* they had some, of which nothing was read yet */

	struct projection_change changes[FEED_COMMIT_MAX]; /* of one commit */
};

void writer_init(struct writer *writer);
/* The thread has ended.  What the queue holds is not answered. */
void writer_release(struct writer *writer);

/* Begins a transaction, as each batch does: what others had to tell is told before.  `ahead` may be NULL (catalog/catalog.h). */
bool writer_begin(struct writer *writer, struct catalog_ahead *ahead, struct err *err) MUST_CHECK;
/* Tells the feed of a commit of one's own. */
void writer_tell(struct writer *writer, const struct projection_change *changes, size_t count,
		 int64_t sequence);
/*
 * Takes the jobs, linked by `next` (NULL: none), and answers each; then what others had to tell is told, where they had turns and it
 * was not told as the jobs began.  True: a turn is to be taken, for the ledger has lost some.
 */
bool writer_turn(struct writer *writer, struct ledger_job *jobs, bool has_news);
/* Takes the jobs, and answers each. */
void writer_write(struct writer *writer, struct ledger_job *jobs);
/* In one transaction, and not answered. */
bool writer_write_now(struct writer *writer, struct ledger_job *jobs, int64_t *out_sequence,
		      struct err *err) MUST_CHECK;
/* A failure of the ledger, and not of what a job asked of it. */
bool writer_is_trouble(const struct err *err);
/* It failed because no server could be reached: so will what comes behind it, after as long. */
bool writer_is_cut_off(const struct catalog *catalog, const struct err *err);
