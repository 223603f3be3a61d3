/*
 * Threads for what blocks: fsync, hashing, decoding.
 *
 * run() is called on a worker and touches only its job; then done() is called on
 * the loop of the mailbox that the job names.  Jobs start in the order posted.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "event/mailbox.h"

struct workers;

struct job {
	struct mail mail; /* internal */
	struct job *next; /* internal */
	void (*run)(struct job *job);
	void (*done)(struct job *job);
	/* NULL: done() is not called, and it may be posted again, or freed, from run() on. */
	struct mailbox *reply;
};

bool workers_start(const char *name, unsigned count, struct workers **out,
		   struct err *err) MUST_CHECK;
/* Runs what was posted, then ends the threads; done() of the last jobs is still posted. */
void workers_stop(struct workers *workers);
void workers_post(struct workers *workers, struct job *job); /* any thread */
