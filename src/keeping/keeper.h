/*
 * The thread on whose loop all sweeps run, their worker of low priority, and what wakes them: the
 * ledger's broadcasts.
 *
 * Thread: the one that opens and stops it.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

struct blob_store;
struct keeper;
struct ledger;
struct loop;
struct loop_times;
struct mailbox;
struct vault;

/* How its loop keeps up: any thread. */
const struct loop_times *keeper_loop_times(const struct keeper *keeper);

/* Before ledger_start(): it listens.  The ledger and the store outlive it. */
bool keeper_open(struct ledger *ledger, struct blob_store *store, struct keeper **out,
		 struct err *err) MUST_CHECK;
/* Before keeper_start(): the vault outlives it, too.  What was given up for want of a key is queued once its key is there. */
void keeper_watch_keys(struct keeper *keeper, struct vault *vault);
/* Keys were added, or others put in their place.  Any thread, between start and stop. */
void keeper_keys_changed(struct keeper *keeper);
enum keeper_work {
	KEEPER_KEEPS,   /* all sweeps */
	KEEPER_REMOVES, /* for a command: the files of what was removed, and nothing else */
};
/* After ledger_start(): begins with what the last run left. */
bool keeper_start(struct keeper *keeper, enum keeper_work work, struct err *err) MUST_CHECK;
/* Ends the threads, within the item that they are at.  Before ledger_stop(). */
void keeper_stop(struct keeper *keeper);
/* Its loop: for what else is done there; before keeper_start(). */
struct loop *keeper_loop(const struct keeper *keeper);
/* Its loop's: for who watches whether it turns. */
struct mailbox *keeper_mailbox(const struct keeper *keeper);
/* After keeper_stop(), and once more after ledger_stop(): takes what was answered last. */
void keeper_drain(struct keeper *keeper);
void keeper_free(struct keeper *keeper); /* NULL does nothing */
DEFINE_AUTO(struct keeper *, keeper_free)
