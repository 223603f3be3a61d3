/*
 * The notifier: tells whom notify_url names what becomes of recordings, on a thread of its own, by webhooks of the
 * Standard Webhooks convention.
 *
 * The ledger is the queue (chores/notices_queue.h).  At most RECEIVER_SLOTS are under way, and in memory; each is told at
 * least once, under the same id whenever it is told again, and those of one recording in their order.  A notice that is
 * not taken is tried again with a wait that doubles; what was tried for give_up_after is a dead letter.  Of several processes
 * one sends; that the receiver is back is told to all of them (PROJECTED_NOTICES).
 *
 * Where nobody is to be told there is no notifier, and no change leaves a notice.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "notify/notify_options.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct loop_times;
struct mailbox;
struct notifier;
struct retention;
struct vouched_clock;

#define NOTIFIER_TEXT_SIZE 200

/* A plain value.  Instants: wall clock, 0 none. */
struct notifier_facts {
	bool is_on;                       /* somebody is to be told */
	bool is_gone;                     /* who answered 410, so that nothing is sent */
	int64_t ailing_since_ms;          /* of the first failure of those in a row */
	char failure[NOTIFIER_TEXT_SIZE]; /* the latest; "" */
	uint64_t taken, failed, died;     /* tries, and notices given up, since the start */
};

/*
 * Before ledger_start(): the ledger notes changes from now on, or no longer where options->url is NULL; then *out is NULL.
 * ERR_INVALID: the url, or the secret.  Texts of the options are borrowed, and public_url and ca_file, which may be NULL.
 */
struct notifier_parts {
	const struct notify_options *options;
	const char *public_url, *ca_file;
	struct ledger *ledger;
	const struct retention *retention; /* borrowed: what expires when */
	struct vouched_clock *clock;       /* borrowed: by which dead letters are forgotten */
	bool is_command; /* it changes something and is gone: it may know less of the settings than the server */
};
bool notifier_open(const struct notifier_parts *parts, struct notifier **out,
		   struct err *err) MUST_CHECK;
/* After ledger_start().  NULL does nothing, here and below. */
bool notifier_start(struct notifier *notifier, struct err *err) MUST_CHECK;
/* Ends the thread; what is under way is told again by the next start.  Before ledger_stop(). */
void notifier_stop(struct notifier *notifier);
/* After notifier_stop(), and once more after ledger_stop(). */
void notifier_drain(struct notifier *notifier);
void notifier_free(struct notifier *notifier);
DEFINE_AUTO(struct notifier *, notifier_free)

/* Any thread. */

void notifier_read(struct notifier *notifier, struct notifier_facts *out);
struct mailbox *notifier_mailbox(const struct notifier *notifier);

/* Could they be used?  ERR_INVALID says why not.  Nothing is asked of anybody. */
bool notify_options_check(const struct notify_options *options, struct err *err) MUST_CHECK;
