/*
 * One event loop a thread, over epoll.
 *
 * A turn: fire timers that are due -> apply changed interests once -> reap what
 * ended -> wait -> handle what is ready (mail among it).  Nothing here is safe across
 * threads but mailbox_post() (event/mailbox.h) and loop_stop().
 *
 * Three rules for callbacks: never block; never free your own object (loop_reap()
 * frees it at the end of the turn); bound the work of one turn.
 *
 * What is watched or timed is embedded in its owner; container_of finds the owner.
 */
#pragma once

#include "base/compiler.h"
#include "base/counter.h"
#include "base/err.h"
#include "base/list.h"
#include "base/own.h"
#include "base/time_histogram.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* One descriptor that a loop waits on.  All zero: not watching. */
struct watch {
	void (*ready)(struct watch *watch, uint32_t events); /* EPOLL* bits; NULL when stopped */
	struct loop *loop;
	struct list changed; /* on the loop's list while `wanted` differs from `applied` */
	int fd;
	uint32_t wanted, applied;
};

/* One instant that a loop waits for.  All zero: not started. */
struct timer {
	void (*fire)(struct timer *timer);
	struct loop *loop; /* NULL when not started */
	int64_t at_ms;     /* monotonic */
	uint32_t slot;     /* its place in the heap */
	uint32_t round;    /* of timers that fire: started in it, it fires in a later one */
};

/* Something to be released at the end of this turn.  All zero: not pending. */
struct reap {
	struct reap *next;
	void (*release)(struct reap *reap);
};

/*
 * How a loop keeps up, for any thread to read: who waits for it waits for its turn to end.
 */
struct loop_times {
	struct time_histogram turns; /* each from its wakeup to its next wait */
	struct gauge
		turn_since_us; /* monotonic: since when the turn under way lasts; 0: it waits */
};

bool loop_new(struct loop **out, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop);
DEFINE_AUTO(struct loop *, loop_free)
void loop_run(struct loop *loop);              /* until loop_stop() */
void loop_stop(struct loop *loop);             /* from any thread */
int64_t loop_now_ms(const struct loop *loop);  /* monotonic, as of this turn */
int64_t loop_now_us(const struct loop *loop);  /* the same as loop_now_ms(), finer */
int64_t loop_wall_ms(const struct loop *loop); /* wall clock, as of this turn */
const struct loop_times *loop_times(const struct loop *loop);
/* For how long the turn under way lasts by now; 0 while the loop waits. */
int64_t loop_times_lag_us(const struct loop_times *times, int64_t now_us);

/* events may hold EPOLLET, EPOLLEXCLUSIVE, EPOLLRDHUP.  The fd stays the caller's. */
void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
		 void (*ready)(struct watch *watch, uint32_t events));
void watch_change(struct watch *watch, uint32_t events); /* applied once, at the end of the turn */
void watch_stop(struct watch *watch); /* at once; ready is not called again; before close(fd) */

/* (Re)starts it, counting from loop_now_ms(); fires once, never early, not before the next turn. */
void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
		 void (*fire)(struct timer *timer));
void timer_stop(struct timer *timer);
static inline bool timer_is_on(const struct timer *timer)
{
	return timer->loop != NULL;
}

/* Calls release once, when this turn ends; a second call for the same reap does nothing. */
void loop_reap(struct loop *loop, struct reap *reap, void (*release)(struct reap *reap));
