/*
 * Having Twilio delete its copy of what is stored here (delete_upstream_after; off unless it is set).
 *
 * One recording after another, the oldest first, in two steps that the ledger knows of:
 *
 *	next (upstream_walk.h) -> read ours again: its SHA-256 is what the ledger says
 *	     -> SPARED, and counted for the day: committed    not held, stored still, the same file, not more than a day's number
 *	     -> room for a request, and where it had to wait for that, one more look into the ledger
 *	     -> DELETE at Twilio -> DELETED, with an entry of the audit
 *
 * A crash between the two begins at the first again; that Twilio does not have it any more is good, if Twilio says so itself:
 * a 404 with the code 20404.  Nothing else than that and 204 counts, for a proxy answers, too.  Ours that is
 * not what it was, and one whose length is not the one that Twilio told, keep Twilio's copy: NEEDED.  A recording that is
 * deleted at Twilio is no worse for it here: nothing but its own state says that it plays.
 *
 * What fails rests, and longer each time (left_alone.h): the recording, or its account where Twilio limits or refuses; the
 * others go on.  Where three in a row fail, it is not theirs, and all of it rests.  So it does while the store is away.
 *
 * A day's number is one of recordings, within any 24 hours: by Twilio's time and ours, whichever says that less of it is over, and
 * within a process by a clock that never jumps, too.  Nothing is deleted before Twilio has told what time it is.
 *
 * Thread: the fetching loop; upstream_deletion_change() and _stop() any.
 */
#pragma once

#include "base/own.h"

#include <stdint.h>

struct blob_store;
struct purge_env;
struct rest_env;
struct upstream_deletion;
struct workers;

struct upstream_deletion_options {
	int64_t after_ms; /* since a recording began; INT64_MAX: Twilio's copies stay */
	int64_t per_day;  /* so many at most within 24 hours */
};

/* Before the loop turns; what it borrows outlives it. */
struct upstream_deletion *upstream_deletion_new(const struct purge_env *env,
						const struct rest_env *rest,
						struct blob_store *store, struct workers *workers,
						const struct upstream_deletion_options *options);
void upstream_deletion_change(struct upstream_deletion *deletion,
			      const struct upstream_deletion_options *options);
/* Nothing is begun any more, and what is being read ends early.  NULL does nothing. */
void upstream_deletion_stop(struct upstream_deletion *deletion);
/* After the loop has stopped and its mailbox was drained, before the fetch is freed.  NULL does nothing. */
void upstream_deletion_free(struct upstream_deletion *deletion);
DEFINE_AUTO(struct upstream_deletion *, upstream_deletion_free)
