/*
 * What is older than it is kept, grace included, and not held: how much of it there is, and its removal.
 *
 * Each recording is looked at again in the transaction that marks it: by the rules that are in force then, by a clock that is
 * believed then, and whether it is held.  The ledger says first that it is removed, with an entry of the audit; its
 * files go after the commit (keeping/remover.h).  So a crash leaves it as it was, or removed.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "chores/recordings_age.h"
#include "chores/upkeep.h"
#include "ledger/ledger_jobs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_trail;
struct clock_guard;
struct ledger;
struct mailbox;
struct retention;

/* Borrowed, all of it; read-only while anything below is under way. */
struct purge_env {
	struct ledger *ledger;
	const struct retention *retention;
	const struct audit_trail *trail;
	struct clock_guard *guard;
};

#define PURGE_SHOWN 10

/* A plain value.  Instants: wall clock. */
struct purge_preview {
	int64_t now_ms;
	struct err
		clock; /* ERR_UNAVAILABLE: nothing is removed just now, and why; else its text is "" */
	struct upkeep pause; /* UPKEEP_PURGE_PAUSE; all zero: there is none */
	int64_t count;
	uint64_t bytes;
	struct age_row first[PURGE_SHOWN]; /* the oldest */
	size_t first_count;
	int64_t next_at_ms; /* when the next is due; 0: none is in sight */
	bool has_files; /* of what was removed before files are there still, though nothing holds them */
};

/* A reader.  Sums up by an index; some seconds where millions are due. */
bool purge_look(const struct purge_env *env, struct catalog *catalog, struct purge_preview *out,
		struct err *err) MUST_CHECK;

/* Up to `size` that are due at now_ms; fewer: all, and *out_next_at_ms is when the next is due (0: none is in sight). */
bool purge_list(const struct purge_env *env, struct catalog *catalog, int64_t now_ms,
		struct age_row *out, size_t size, size_t *out_count, int64_t *out_next_at_ms,
		struct err *err) MUST_CHECK;
/*
 * May anything be removed now, and what time is it?  ERR_UNAVAILABLE: the clock is not believed, or the ledger was brought back
 * and nobody has said that its holds are as they should be (purge/purge_pause.h).
 */
bool purge_may_remove(const struct purge_env *env, struct catalog *catalog, int64_t *out_ms,
		      struct err *err) MUST_CHECK;
/*
 * The writer: this one, if it still is to be removed; *out_change is what to tell of it.  ERR_CONFLICT: it is not (any more).
 * ERR_UNAVAILABLE: purge_may_remove() says no.
 */
bool purge_one(const struct purge_env *env, struct catalog *catalog, const char *recording_sid,
	       struct projection_change *out_change, struct err *err) MUST_CHECK;

#define PURGE_PAGE 64

/* All that is due, page by page.  Embedded in who wants it; all zero but for env, mailbox and done. */
struct purge_item {
	struct ledger_job job;
	struct purge_run *run;
	struct age_row row;
};
struct purge_run {
	const struct purge_env *env;
	struct mailbox *mailbox; /* of the loop that it runs on */
	/* It is over; may free it. */
	void (*done)(struct purge_run *run);
	atomic_bool is_stopping; /* set by its owner, on any thread: ends behind this page */

	/* What came of it. */
	int64_t purged, failed;
	uint64_t bytes;
	int64_t next_at_ms; /* as purge_list() says */
	int64_t now_ms;     /* by the clock that next_at_ms goes by */
	/* ERR_UNAVAILABLE and ERR_SCARCE say nothing of a recording; of failures the latest.  "": all is well */
	struct err err;
	bool is_paused; /* err: not for the clock, but for purge/purge_pause.h */

	/* internal */
	struct ledger_job job;
	struct age_row rows[PURGE_PAGE];
	struct purge_item items[PURGE_PAGE];
	size_t count, waiting, page_purged;
};
/* On the mailbox's loop.  done() is called in a later turn. */
void purge_run_start(struct purge_run *run);
