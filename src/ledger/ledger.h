/*
 * The ledger's threads: one writer, two readers; on a server a quick writer and a pulse besides.
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
#include "catalog/projection_change.h"
#include "ledger/feed.h"
#include "ledger/ledger_jobs.h"
#include "ledger/pulse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;
struct member_place;
struct reserve;

/* A writer's, for any thread to read. */
struct ledger_times {
	struct time_histogram
		commits; /* of what was posted: each is an fsync, and serves a batch */
	struct time_histogram
		waits; /* for a turn: for other processes, or for a command, to end theirs */
	struct counter commits_failed;
};
/* Of all writers; a plain value. */
struct ledger_sums {
	struct time_sum commits, turn_waits;
	uint64_t commits_failed;
};

/* Opens (and migrates) the ledger at `path`; no thread runs yet. */
bool ledger_open(const char *path, struct ledger **out, struct err *err) MUST_CHECK;
/* The same, and `reserve`, which outlives it, is given up where the disk is full: for opening, too. */
bool ledger_open_reserved(const char *path, struct reserve *reserve, struct ledger **out,
			  struct err *err) MUST_CHECK;
/*
 * Serves from it from now on, where it is on a server beside others (cluster/members.h); before ledger_start().  `place`: nobody else serves
 * from there, for a lock says so; its texts are copied.
 */
bool ledger_enlist(struct ledger *ledger, const struct member_place *place,
		   struct err *err) MUST_CHECK;
/*
 * What others change is heard of over this address, which must be of the same ledger, in place of the ledger's own, as long as it
 * answers; before ledger_start(), which says ERR_INVALID where it is of another one.
 */
void ledger_hear_at(struct ledger *ledger, const char *address);
/* Others may serve from it, too. */
bool ledger_is_shared(const struct ledger *ledger);
/* "I turn": to be said every MEMBER_BEAT_MS, by whoever must not look alive while it hangs.  Any thread. */
void ledger_beat(struct ledger *ledger);
/*
 * Nobody listens at the address of that process: where its number stands still, too, it is buried sooner (cluster/members.h).
 * To be said again as long as it is so.  Any thread.
 */
void ledger_suspect(struct ledger *ledger, int64_t process);
/* The number of this process, as it is now; 0: it has the ledger alone.  Any thread. */
int64_t ledger_process(const struct ledger *ledger);
/* Is it this process that does what is done once for all who serve from it?  Any thread. */
bool ledger_has_duties(const struct ledger *ledger);
/*
 * Could this process hear of what others change, within LEDGER_DEAF_MS?  Where it could not, what it keeps of who may do what
 * is as old as that, and to be asked for anew.  After ledger_start(), any thread; of a file always.
 */
bool ledger_hears(const struct ledger *ledger);
#define LEDGER_DEAF_MS      (15 * 60 * 1000)
#define LEDGER_DUTY_LOOK_MS 2000 /* who has none looks again whether that has changed */
/*
 * What this process knows of those who serve from it, too.  False: nobody can, and nothing is known.  After ledger_start(), any
 * thread.
 */
struct ledger_company {
	int64_t process; /* its own number */
	struct pulse_sight sight;
};
bool ledger_company(const struct ledger *ledger, struct ledger_company *out);
/* The writer's catalog, before ledger_start(). */
struct catalog *ledger_catalog(struct ledger *ledger);
/* Before ledger_start(), or after ledger_stop(): runs the job and commits, on this thread; done() is not called, and there is no settled(). */
bool ledger_write_now(struct ledger *ledger, struct ledger_job *job, struct err *err) MUST_CHECK;
void ledger_listen(struct ledger *ledger,
		   struct ledger_listener *listener); /* before ledger_start() */
/* For who asks what came after a sequence number; lives as long as the ledger. */
struct feed *ledger_feed(struct ledger *ledger);
void ledger_sums(const struct ledger *ledger, struct ledger_sums *out); /* any thread */
/*
 * Can it be written, can it be read?  What a job itself refuses does not count, nor do readers that are busy, unless all of them
 * are for so long that they may hang.  Any thread.  Damage that one query meets is told for a while, though others go on.
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

/* Any thread.  Those that are quick (ledger_jobs.h) are not done in the order of the others. */
void ledger_write(struct ledger *ledger, struct ledger_job *job);
void ledger_read(struct ledger *ledger, struct ledger_job *job); /* any thread */
/*
 * Of a job that was answered undone, because of `err`: is it certain that the ledger has nothing of it?  Not where a server
 * may have taken a commit and could not say so.  Any thread.
 */
bool ledger_left_nothing(const struct ledger *ledger, const struct err *err);
