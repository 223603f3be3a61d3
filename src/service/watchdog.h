/*
 * The service manager's watchdog (WatchdogSec=): fed only while all threads that matter turn.
 *
 * Four times within its time the watchdog looks whether each that it watches has answered the last question; then
 * WATCHDOG=1 is sent, and all are asked anew.  One that hangs answers no more, so that nothing is sent, and the
 * manager kills and starts us again.
 *
 * Thread: that of the loop; answers come from any.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct mailbox;
struct notify;
struct watchdog;

#define WATCHDOG_LOOKS 4 /* within its time: one that is late by scheduling is no reason to die */

/* One that is watched; embedded, first member, in what is needed to ask it. */
struct watchdog_pulse {
	void (*ask)(struct watchdog_pulse *pulse); /* not called again before the answer */
	struct watchdog_pulse *next;
	const char *name; /* for the log; static */
	int patience; /* looks that it may miss; WATCHDOG_LOOKS: those of the watchdog's whole time */
	int missed;   /* internal */
	atomic_bool has_answered;
};

/*
 * How long the manager waits, by WATCHDOG_USEC and WATCHDOG_PID; 0: it does not watch, or watches another process.
 */
int64_t watchdog_time_ms(void);

/* time_ms is above 0; nobody is watched yet, so that it is fed without a question. */
struct watchdog *watchdog_start(struct loop *loop, const struct notify *notify, int64_t time_ms);
/* Takes the pulse, which was made with malloc(); NULL watchdog: frees it. */
void watchdog_watch(struct watchdog *watchdog, struct watchdog_pulse *pulse);
/* A loop, by its mailbox, which outlives its loop. */
void watchdog_watch_loop(struct watchdog *watchdog, const char *name, struct mailbox *mailbox);
/* Those that are watched are about to end: it is fed without asking them. */
void watchdog_rest(struct watchdog *watchdog);
/* After rest(), once nobody answers any more: nothing is left of those that were watched. */
void watchdog_forget(struct watchdog *watchdog);
void watchdog_free(struct watchdog *watchdog);

static inline void watchdog_answer(struct watchdog_pulse *pulse) /* any thread */
{
	atomic_store_explicit(&pulse->has_answered, true, memory_order_release);
}
