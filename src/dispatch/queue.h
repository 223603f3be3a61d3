/*
 * Claims from the ledger, which is the queue (catalog/recordings_queue.h): as many rows as there are
 * slots for, when there are any, and not before something is due.
 *
 * One question at a time is out with the ledger, and one timer runs: to the next instant at which
 * something becomes due.  Who may have slots is the owner's to say, and he begins what is claimed.
 *
 * A failed question is asked again; nothing is lost by it, since nothing is held here.  Instants in the
 * ledger are wall clock: none is waited for longer than QUEUE_LOOK_MS without a look at the
 * clock, and one further away than any wait that is ever set is not believed.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "catalog/recordings_queue.h"
#include "cluster/leases.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <stdbool.h>
#include <stdint.h>

struct flight_env;

#define QUEUE_LOOK_MS   60000 /* the clock may have jumped meanwhile */
#define QUEUE_AGAIN_MS  1000  /* after the ledger could not be read */
#define QUEUE_PASSED_MS 100 /* where somebody else had a row for a moment: a turn is over by then */

/* Embedded in its owner. */
struct queue {
	const struct flight_env *env;
	/*
	 * Fills what of the claim is the owner's: most, most_backfill, shares, skip (which stay as they are until
	 * claimed_all()).  False: there is no slot.
	 */
	bool (*prepare)(struct queue *queue, struct queue_claim *claim);
	/* For each row, in order; it may take row->begun. */
	void (*claimed)(struct queue *queue, struct queue_row *row);
	/* Behind the last of them, or when none could be had. */
	void (*claimed_all)(struct queue *queue);

	/* internal */
	struct ledger_job claim_job, mend_job;
	struct timer timer;
	bool is_asking, is_wanted, is_mending, is_stopped;
	struct queue_claim claim;
	struct queue_row rows[QUEUE_CLAIM_MAX];
	size_t count;
	struct leases_asked asked;
	int64_t next_due_ms, mended;
	bool passed_over; /* there were more, which somebody else had for this moment */
	bool is_beyond;   /* some row waits longer than any wait that is set */
};

/* The callbacks are set by the owner. */
void queue_init(struct queue *queue, const struct flight_env *env);
/* The ledger is asked no more: it is about to be stopped. */
void queue_stop(struct queue *queue);
/* It has been stopped. */
void queue_release(struct queue *queue);
/* A slot is free, or something may be due: asks, now or behind the question that is out. */
void queue_wake(struct queue *queue);
/* The same, in so many ms at the latest. */
void queue_wake_in(struct queue *queue, int64_t wait_ms);
/* No wait is longer than this, in ms. */
int64_t queue_longest_ms(const struct flight_env *env);
