/*
 * The rows of calls that have changed, read once and written as JSON once, for all who are told of them.
 *
 * A reader of the ledger, which others wait for too, has it in pieces of LIVE_READ_ROWS.
 *
 * Thread: the loop of the mailbox.
 */
#pragma once

#include "base/buf.h"
#include "catalog/calls.h"
#include "ledger/ledger_jobs.h"
#include "listing/calls_list.h"
#include "live/live_changes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;
struct mailbox;
struct web;

#define LIVE_READ_ROWS 64

struct live_row {
	char sid[SID_SIZE]; /* as in the change */
	unsigned what;
	int64_t sequence; /* of its last change that is told here; the row may be newer */
	bool is_there;    /* the ledger knows such a call */
	struct call_row call;
	size_t json_at, json_len; /* in the batch's */
};

struct live_batch {
	int64_t sequence; /* all up to here is in it */
	uint64_t more;    /* not 0: so many changes, and no row */
	size_t count;
	struct live_row *rows; /* in the order of `sequence` */
	struct buf json;
};
void live_batch_free(struct live_batch *batch);
DEFINE_AUTO(struct live_batch *, live_batch_free)

/* All zero but `done`: nothing is being read. */
struct live_read {
	/*
	 * The batch is the caller's, who may begin the next.  `snapshot`: the ledger's sequence when it was read last; 0: the
	 * ledger could not be read, and batch->more says how much is missing.
	 */
	void (*done)(struct live_read *read, struct live_batch *batch, int64_t snapshot);

	/* internal: */
	struct ledger_job job;
	struct ledger *ledger;
	const struct web *web;
	struct live_changes *changes;
	struct live_batch *batch;
	struct list *next;
};

/* Takes the changes, which may be none: then the snapshot alone is told. */
void live_read_start(struct live_read *read, const struct web *web, struct mailbox *mailbox,
		     struct live_changes *changes);
static inline bool live_read_is_on(const struct live_read *read)
{
	return read->batch != NULL;
}
/* After the ledger was stopped. */
void live_read_release(struct live_read *read);
