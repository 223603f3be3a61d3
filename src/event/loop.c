#include "event/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define READY_MAX \
	256 /* events taken in one turn: bounds a turn, large enough to spread the cost of the wait */

struct loop {
	int epoll_fd;
	struct watch wakeup; /* eventfd: loop_stop() from another thread */
	atomic_bool stopping;
	int64_t now_ms, now_us, wall_ms;
	struct list changed; /* watches whose interest is to be applied */
	struct reap *reaps;

	/* A binary heap of the timers that are on, the earliest at 0. */
	struct timer **heap;
	uint32_t heap_count, heap_size;
	uint32_t round; /* timers that are due fire once a turn */

	/* What epoll reported this turn: a watch that stops must be taken out of it. */
	struct epoll_event ready[READY_MAX];
	int ready_count;

	struct loop_times times;
	char apart[COUNTER_LINE]; /* from the memory of another loop */
};

/* ---- timers: the heap ---- */

static void heap_put(struct loop *loop, uint32_t slot, struct timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

/* Of one instant, those of earlier rounds first (the number may wrap). */
static bool is_earlier(const struct timer *a, const struct timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : (int32_t)(a->round - b->round) < 0;
}

static void heap_up(struct loop *loop, struct timer *timer)
{
	uint32_t slot = timer->slot;

	while (slot > 0 && is_earlier(timer, loop->heap[(slot - 1) / 2])) {
		heap_put(loop, slot, loop->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	heap_put(loop, slot, timer);
}

static void heap_down(struct loop *loop, struct timer *timer)
{
	uint32_t slot = timer->slot;

	for (;;) {
		uint32_t child = 2 * slot + 1;

		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
		    is_earlier(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!is_earlier(loop->heap[child], timer))
			break;
		heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_put(loop, slot, timer);
}

void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms,
		 void (*fire)(struct timer *timer))
{
	int64_t at_ms;

	if (__builtin_add_overflow(loop->now_ms, delay_ms > 0 ? delay_ms : 0, &at_ms))
		at_ms = INT64_MAX;
	if (timer->loop)
		timer_stop(timer);
	if (loop->heap_count == loop->heap_size) {
		loop->heap_size = loop->heap_size ? loop->heap_size * 2 : 64;
		loop->heap = xrealloc(loop->heap, loop->heap_size * sizeof(struct timer *));
	}
	*timer = (struct timer){
		.fire = fire,
		.loop = loop,
		.at_ms = at_ms,
		.slot = loop->heap_count++,
		.round = loop->round,
	};
	heap_up(loop, timer);
}

void timer_stop(struct timer *timer)
{
	struct loop *loop = timer->loop;

	if (!loop)
		return;
	timer->loop = NULL;

	struct timer *last = loop->heap[--loop->heap_count];

	if (last == timer)
		return;
	heap_put(loop, timer->slot, last);
	heap_up(loop, last);
	heap_down(loop, last);
}

/* What is started while these fire is not before the next turn, however many others wait: it is of this round. */
static void fire_due_timers(struct loop *loop)
{
	loop->round++;
	while (loop->heap_count > 0 && loop->heap[0]->at_ms <= loop->now_ms) {
		struct timer *timer = loop->heap[0];

		if (timer->round == loop->round)
			return;
		timer_stop(timer);
		timer->fire(timer);
	}
}

static int wait_ms(const struct loop *loop)
{
	if (loop->stopping || loop->reaps)
		return 0;
	if (loop->heap_count == 0)
		return -1;

	int64_t left_ms = loop->heap[0]->at_ms - loop->now_ms;

	return left_ms <= 0 ? 0 : left_ms > 3600000 ? 3600000 : (int)left_ms;
}

/* ---- watches ---- */

void watch_start(struct loop *loop, struct watch *watch, int fd, uint32_t events,
		 void (*ready)(struct watch *watch, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	*watch = (struct watch){
		.ready = ready, .loop = loop, .fd = fd, .wanted = events, .applied = events
	};
	list_init(&watch->changed);
	/* Fails only for a descriptor that cannot be polled or for want of kernel memory: our bug, or the end. */
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		abort();
}

void watch_change(struct watch *watch, uint32_t events)
{
	watch->wanted = events;
	if (watch->wanted != watch->applied && list_is_empty(&watch->changed))
		list_append(&watch->loop->changed, &watch->changed);
}

void watch_stop(struct watch *watch)
{
	struct loop *loop = watch->loop;

	if (!watch->ready)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	list_remove(&watch->changed);
	watch->ready = NULL;
	for (int i = 0; i < loop->ready_count; i++)
		if (loop->ready[i].data.ptr == watch)
			loop->ready[i].data.ptr = NULL;
}

static void apply_changed(struct loop *loop)
{
	LIST_EACH (item, &loop->changed) {
		struct watch *watch = container_of(item, struct watch, changed);
		struct epoll_event event = { .events = watch->wanted, .data.ptr = watch };

		list_remove(item);
		if (watch->wanted == watch->applied)
			continue;
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
		watch->applied = watch->wanted;
	}
}

/* ---- the loop ---- */

void loop_reap(struct loop *loop, struct reap *reap, void (*release)(struct reap *reap))
{
	if (reap->release)
		return;
	reap->release = release;
	reap->next = loop->reaps;
	loop->reaps = reap;
}

static void reap_ended(struct loop *loop)
{
	while (loop->reaps) {
		struct reap *reap = loop->reaps;
		void (*release)(struct reap *) = reap->release;

		loop->reaps = reap->next;
		*reap = (struct reap){ 0 };
		release(reap);
	}
}

static void read_clocks(struct loop *loop)
{
	loop->now_us = clock_monotonic_us();
	loop->now_ms = loop->now_us / 1000;
	loop->wall_ms = clock_wall_ms();
}

static void turn_ends(struct loop *loop)
{
	time_histogram_count(&loop->times.turns,
			     clock_monotonic_us() - gauge_read(&loop->times.turn_since_us));
	gauge_set(&loop->times.turn_since_us, 0);
}

void loop_run(struct loop *loop)
{
	gauge_set(&loop->times.turn_since_us, clock_monotonic_us());
	while (!loop->stopping) {
		fire_due_timers(loop);
		apply_changed(loop);
		reap_ended(loop);
		turn_ends(loop);

		int count = epoll_wait(loop->epoll_fd, loop->ready, READY_MAX, wait_ms(loop));

		read_clocks(loop);
		gauge_set(&loop->times.turn_since_us, loop->now_us);
		loop->ready_count = count > 0 ? count : 0;
		for (int i = 0; i < loop->ready_count; i++) {
			struct watch *watch = loop->ready[i].data.ptr;

			if (watch)
				watch->ready(watch, loop->ready[i].events);
		}
		loop->ready_count = 0;
	}
	apply_changed(loop);
	reap_ended(loop);
	turn_ends(loop);
	loop->stopping = false; /* so that it can be run again, to drain */
}

static void woken(struct watch *watch, uint32_t events)
{
	uint64_t count;
	ssize_t n = read(watch->fd, &count, sizeof(count));

	(void)n;
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;

	loop->stopping = true;

	ssize_t n = write(loop->wakeup.fd, &one, sizeof(one));

	(void)n;
}

bool loop_new(struct loop **out, struct err *err)
{
	AUTO(loop_free) struct loop *loop = xcalloc(1, sizeof(*loop));
	int wakeup_fd;

	list_init(&loop->changed);
	read_clocks(loop);
	loop->wakeup.fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return err_errno(err, "cannot make an epoll descriptor");
	wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup_fd < 0)
		return err_errno(err, "cannot make an eventfd");
	watch_start(loop, &loop->wakeup, wakeup_fd, EPOLLIN, woken);

	*out = TAKE(loop);
	return true;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	reap_ended(loop);
	if (loop->wakeup.fd >= 0)
		close(loop->wakeup.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop->heap);
	free(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

const struct loop_times *loop_times(const struct loop *loop)
{
	return &loop->times;
}

int64_t loop_times_lag_us(const struct loop_times *times, int64_t now_us)
{
	int64_t since_us = gauge_read(&times->turn_since_us);

	return since_us != 0 && now_us > since_us ? now_us - since_us : 0;
}

int64_t loop_wall_ms(const struct loop *loop)
{
	return loop->wall_ms;
}
