/*
 * Compares the store with the ledger, both ways, and mends what it can: a pass by itself, which reads each file once in
 * verify_every, and one more whenever somebody asks (chores/verifications.h holds how far each is, and what was found).
 *
 * Files are read no faster than verify_rate, one after another, by a worker of low priority.
 *
 * Thread: that which opens and stops it, but for verifier_wake().
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "verify/verify_options.h"

#include <stdbool.h>

struct blob_store;
struct ledger;
struct loop_times;
struct mailbox;
struct verifier;
struct vouched_clock;

/* Before ledger_start(): it listens.  The ledger, the store and the clock outlive it. */
bool verifier_open(const struct verify_options *options, struct ledger *ledger,
		   struct blob_store *store, struct vouched_clock *clock, struct verifier **out,
		   struct err *err) MUST_CHECK;
/* After ledger_start(). */
bool verifier_start(struct verifier *verifier, struct err *err) MUST_CHECK;
/* A pass was asked for: verifications_set().  Any thread. */
void verifier_wake(struct verifier *verifier);
/* The options as they are now.  Any thread. */
void verifier_change(struct verifier *verifier, const struct verify_options *options);
/* Its loop's: for who watches whether it turns. */
struct mailbox *verifier_mailbox(const struct verifier *verifier);
/* Ends the threads, within the file that is read.  Before ledger_stop(). */
void verifier_stop(struct verifier *verifier);
/* After verifier_stop(), and once more after ledger_stop(): takes what was answered last. */
void verifier_drain(struct verifier *verifier);
void verifier_free(struct verifier *verifier); /* NULL does nothing */
DEFINE_AUTO(struct verifier *, verifier_free)
