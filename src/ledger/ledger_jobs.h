/*
 * What is asked of the ledger's threads, and the queue in which it waits for them.
 *
 * A queue has a mutex that is held for a few instructions; any thread posts, the thread that it belongs
 * to takes.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/projection_change.h"
#include "event/mailbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct catalog;

/* Embedded in what is asked; the asker owns it, and leaves it alone until done(). */
struct ledger_job {
	/*
	 * On a thread of the ledger, within a transaction; touches only its own job.  A
	 * write that fails is rolled back alone and does not hurt those beside it; so run()
	 * may be called twice and must not keep state from the first call.
	 */
	bool (*run)(struct ledger_job *job, struct catalog *catalog, struct err *err);
	/*
	 * On the same thread, once what run() did is committed (of a read: once it is over), and before done(): what it has asked
	 * (db_ask()) and not stepped through can be read now.  NULL: nothing is to be done then.
	 */
	void (*settled)(struct ledger_job *job);
	/*
	 * It appends events, or claims what is to be fetched (and begins it), and does nothing else: on a server it need not wait for
	 * anybody's turn, and is committed by the quick writer.  What it changed is told by the turn that projects it, or by none.
	 */
	bool is_quick;
	/*
	 * A write that changes nothing but this recording, its call, its lease and its attempts: what it will ask of them can be asked
	 * together with what others ask (catalog/foreseen.h).  NULL: nothing is said.  As long as the job.
	 */
	const char *recording_sid;
	void (*done)(struct ledger_job *
			     job); /* on the loop of `reply`: succeeded, err and sequence are set */
	struct mailbox *reply;

	/*
	 * What a write changed, to be told to the listeners; what == 0: nothing that anyone caches.
	 * Then the sequence must have risen (catalog_sequence()).
	 */
	struct projection_change change;

	bool succeeded;
	struct err err;
	int64_t sequence; /* a read: of its snapshot; a write: after the commit */

	struct mail mail;        /* internal */
	struct ledger_job *next; /* internal */
};

/*
 * From run(): an attempt was ended, or a lease given back, that may have held what was to be removed; its change says so to all
 * (PROJECTED_LET_GO).  It takes a number, without which no turn is written, and no other process hears of it.
 */
void ledger_job_let_go(struct ledger_job *job, struct catalog *catalog);
/* Sends it back to who asked. */
void ledger_job_answer(struct ledger_job *job);

struct ledger_queue {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t posted;
	struct ledger_job *first, **last;
	bool is_stopping, is_closed, is_woken;
};

void ledger_queue_init(struct ledger_queue *queue);
void ledger_queue_release(struct ledger_queue *queue); /* what it holds is not answered */
/* Any thread.  Once the queue is closed the job is answered undone: ERR_UNAVAILABLE. */
void ledger_queue_post(struct ledger_queue *queue, struct ledger_job *job);
/* Nobody waits for a job any more; what was posted, and what is posted yet, can be taken. */
void ledger_queue_stop(struct ledger_queue *queue); /* any thread */
/* Nobody takes jobs any more: what is left, and what is posted yet, is answered undone. */
void ledger_queue_close(struct ledger_queue *queue);
/* What waits is answered undone: it would fail as another one has just failed, each after as long.  Any thread. */
void ledger_queue_refuse(struct ledger_queue *queue, const struct err *why);
/* Who waits for a job, now or the next time, goes on without one.  Any thread. */
void ledger_queue_wake(struct ledger_queue *queue);
/*
 * Takes up to max jobs, the oldest first, linked by `next`; waits for one up to wait_ms (-1: as long as it
 * takes).  NULL: there is none; *out_is_stopping says whether one is still to come.
 */
struct ledger_job *ledger_queue_take(struct ledger_queue *queue, unsigned max, int64_t wait_ms,
				     bool *out_is_stopping);
