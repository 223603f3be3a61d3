/*
 * A sweep does one thing, later and behind everything else, with whatever the ledger says needs it.
 *
 *	woken, and nothing more came for a moment
 *	  -> list (a reader): the next page, from behind the cursor
 *	  -> work (a worker of low priority): one item after another
 *	  -> write (the writer): what came of the page, in one transaction
 *	  -> the next page, until one is not full
 *
 * The ledger is the queue: nothing is kept here that a crash could lose, and memory does not grow
 * with what waits.  The list is ordered by the number of a row's last change (changed_seq), so
 * what changes after it was passed is found again behind the cursor, and a sweep that is woken
 * goes on from where it stood.
 *
 * An item that fails is passed over and told of.  Later, after a wait that doubles, the sweep
 * begins at the start once more, and so comes back to all that failed; however many those are,
 * they hold up nothing else.  What is not the item's fault (ERR_SCARCE, ERR_UNAVAILABLE: no
 * descriptor, a full disk, a server that is away) holds up the whole sweep for a moment, with the
 * cursor where it is.
 *
 * What uses it is a table of three functions; digests.c is one.
 *
 * Thread: the loop of the env; each function of a table says its own.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "catalog/catalog.h"
#include "event/workers.h"
#include "ledger/ledger.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob_store;
struct loop;
struct mailbox;
struct sweep;
struct vault;

/* What all sweeps of a process share. */
struct sweep_env {
	struct loop *loop;
	struct mailbox *mailbox; /* its */
	struct ledger *ledger;
	struct blob_store *store;
	struct vault *vault;     /* private keys; NULL: nobody may add one */
	struct workers *workers; /* of low priority */
	atomic_bool is_stopping; /* once set, work ends early and nothing more is begun */
};

/* Embedded first in what a sweep keeps of one item. */
struct sweep_item {
	/* From list(). */
	int64_t place; /* in the order of the list: the row's changed_seq; above 0 */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* for the log, and for who hears of it */

	const struct sweep_env *env;

	/* internal */
	struct sweep *sweep;
	struct job job;
	struct ledger_job ledger_job;
	bool is_worked;
	struct err err;
};

/* A page while list() fills it. */
struct sweep_page {
	int64_t after; /* list what is behind this place */
	size_t size;   /* at most so many */
	size_t count;
	struct sweep_item **items; /* internal */
};

/* The next item of a page that is not full: zeroed, but for what is internal. */
struct sweep_item *sweep_page_add(struct sweep_page *page);

#define SWEEP_PAGE_MAX 32

/* Times in ms. */
struct sweep_pace {
	int64_t quiet_ms;     /* begun when nobody woke it for so long ... */
	int64_t wait_most_ms; /* ... and no later than that after the first who did */
	int64_t item_ms;      /* from the begin of one item to the next, at least; 0: at once */
	int64_t again_ms;     /* after it was held up */
	int64_t retry_first_ms, retry_most_ms; /* after items failed: doubles from first to most */
};

struct sweep_table {
	const char *name;    /* for the log: "digests" */
	const char *failure; /* of one item, for the log: "cannot be read" */
	size_t item_size;    /* of the struct that embeds the sweep_item */
	/* 1 to SWEEP_PAGE_MAX; after a crash so many at most are worked on a second time. */
	size_t page_size;
	unsigned woken_by; /* bits of enum projection_what */
	unsigned
		restarted_by; /* the same: it begins at the start again; what write() passed over may be ready */
	bool is_for_new; /* what is there when the process starts is another's: it begins behind that */
	unsigned changes; /* what a write tells the ledger's listeners: the same bits; 0 nothing */
	struct sweep_pace pace;

	/* A reader: items by their place, from behind page->after; fewer than page->size: the last. */
	bool (*list)(struct sweep_page *page, struct catalog *catalog, struct err *err);
	/*
	 * A worker: touches only the item, may block, and looks at env->is_stopping where it takes
	 * long.  In its place start() begins the work on the loop and must not block: it ends, in
	 * a later turn of the loop, with sweep_item_end().  One item at a time is worked on,
	 * whereas all of a page may be started at once.  Neither: there is nothing to do but to write.
	 * ERR_CONFLICT: it changed meanwhile, and there is nothing to do; it is passed over in silence.
	 */
	bool (*work)(struct sweep_item *item, struct err *err);
	void (*start)(struct sweep_item *item);
	/*
	 * The writer, within a transaction; NULL: nothing to write.  ERR_CONFLICT: it changed meanwhile.  ERR_NOT_FOUND: the ledger has it
	 * no more, as after a failover that lost it, and nobody can do anything: passed over with a warning.
	 */
	bool (*write)(struct sweep_item *item, struct catalog *catalog, struct err *err);
};

/* Nothing is begun until it is woken.  The env and the table outlive it. */
struct sweep *sweep_new(const struct sweep_env *env, const struct sweep_table *table);
/* Begins behind `after`, now and whenever it comes back to what failed. */
void sweep_begin_behind(struct sweep *sweep, int64_t after);
/* There may be more behind the cursor. */
void sweep_wake(struct sweep *sweep);
/* The same for a change of these bits, if the table is woken by them, or restarted. */
void sweep_changed(struct sweep *sweep, unsigned what);
/* From behind `after` on once what is under way has ended; 0: from the start. */
void sweep_restart(struct sweep *sweep, int64_t after);
/* Ends what start() began.  err is read unless it succeeded. */
void sweep_item_end(struct sweep_item *item, bool succeeded, const struct err *err);
/* After the loop, the workers and the ledger have stopped.  NULL does nothing. */
void sweep_free(struct sweep *sweep);
DEFINE_AUTO(struct sweep *, sweep_free)
