/*
 * The ledger's threads: one writer, two readers.
 *
 * A job runs on one of these threads with the catalog of that thread, and comes back
 * to the loop of the mailbox that it names.  The writer puts all jobs that wait
 * into one transaction: one fsync serves them all, and done() is called only after it.
 * Behind them it projects events (projector.h), and tells the feed (feed.h) what
 * changed, after each commit, in the order of the ledger's sequence.
 */
#pragma once

#include "base/compiler.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/time_histogram.h"
#include "base/trouble.h"
#include "catalog/catalog.h"
#include "catalog/projection.h"
#include "ledger/feed.h"
#include "ledger/ledger_jobs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;
struct reserve;

/* The writer's, for any thread to read. */
struct ledger_times {
	struct time_histogram
		commits; /* of what was posted: each is an fsync, and serves a batch */
	struct counter commits_failed;
};

/* Opens (and migrates) the ledger at `path`; no thread runs yet. */
bool ledger_open(const char *path, struct ledger **out, struct err *err) MUST_CHECK;
/* The same, and `reserve`, which outlives it, is given up where the disk is full: for opening, too. */
bool ledger_open_reserved(const char *path, struct reserve *reserve, struct ledger **out,
			  struct err *err) MUST_CHECK;
/* Serves from it from now on, and nobody else does (catalog/processes.h); before ledger_start(). */
bool ledger_enlist(struct ledger *ledger, struct err *err) MUST_CHECK;
/* The writer's catalog, before ledger_start(). */
struct catalog *ledger_catalog(struct ledger *ledger);
/* Before ledger_start(), or after ledger_stop(): runs the job and commits, on this thread; done() is not called. */
bool ledger_write_now(struct ledger *ledger, struct ledger_job *job, struct err *err) MUST_CHECK;
void ledger_listen(struct ledger *ledger,
		   struct ledger_listener *listener); /* before ledger_start() */
/* For who asks what came after a sequence number; lives as long as the ledger. */
struct feed *ledger_feed(struct ledger *ledger);
const struct ledger_times *ledger_times(const struct ledger *ledger);
/*
 * Can it be written, can it be read?  What a job itself refuses does not count.  Any thread.  Damage that one query meets is
 * told for a while, though others go on.
 */
struct ledger_troubles {
	struct trouble_facts writing, reading;
};
void ledger_troubles(struct ledger *ledger, struct ledger_troubles *out);
bool ledger_start(struct ledger *ledger, struct err *err) MUST_CHECK;
/*
 * Runs what was posted, then ends the threads.  What is posted afterwards is answered undone
 * (ERR_UNAVAILABLE).  The mailboxes must outlive it.
 */
void ledger_stop(struct ledger *ledger);
void ledger_free(struct ledger *ledger);

void ledger_write(struct ledger *ledger, struct ledger_job *job); /* any thread */
void ledger_read(struct ledger *ledger, struct ledger_job *job);  /* any thread */
