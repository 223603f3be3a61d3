#include "base/clock.h"
#include "event/loop.h"
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

static struct loop *loop;
static int fired[8], fired_count, timers_left;
static struct timer timers[8];

static void fire(struct timer *timer)
{
	fired[fired_count++] = (int)(timer - timers);
	if (--timers_left == 0)
		loop_stop(loop);
}

static void timers_in_order(void)
{
	static const int delays[] = { 30, 5, 20, 10, 25 };
	int64_t began_ms = loop_now_ms(loop); /* the turn's clock, from which delays count */

	for (int i = 0; i < 5; i++)
		timer_start(loop, &timers[i], delays[i], fire);
	timer_stop(&timers[2]);
	timer_start(loop, &timers[3], 1, fire); /* started again: earlier */
	timers_left = 4;
	loop_run(loop);
	OK(fired_count == 4 && fired[0] == 3 && fired[1] == 1 && fired[2] == 4 && fired[3] == 0,
	   "timers fire in the order of their instants, a stopped one not");
	OK(clock_monotonic_ms() - began_ms >= 30, "and never early");
}

struct pipe_end {
	struct watch watch;
	int calls;
	struct reap reap;
	bool released;
};
static struct pipe_end ends[2];

static void release_end(struct reap *reap)
{
	container_of(reap, struct pipe_end, reap)->released = true;
	loop_stop(loop);
}

/* Whichever comes first stops the other: that one must not be called although epoll reported it. */
static void end_ready(struct watch *watch, uint32_t events)
{
	struct pipe_end *end = container_of(watch, struct pipe_end, watch);
	struct pipe_end *other = end == &ends[0] ? &ends[1] : &ends[0];

	end->calls++;
	watch_stop(&other->watch);
	watch_stop(&end->watch);
	loop_reap(loop, &end->reap, release_end);
	loop_reap(loop, &end->reap, release_end);
	OK(!end->released, "nothing is released inside the callback");
}

static void stopped_watch_is_quiet(void)
{
	int fds[2][2];

	for (int i = 0; i < 2; i++) {
		if (pipe2(fds[i], O_CLOEXEC | O_NONBLOCK) < 0 || write(fds[i][1], "x", 1) != 1)
			return;
		watch_start(loop, &ends[i].watch, fds[i][0], EPOLLIN, end_ready);
	}
	loop_run(loop);
	IS_INT(ends[0].calls + ends[1].calls, 1, "a watch stopped in the same turn is not called");
	OK(ends[0].released || ends[1].released, "what was given to loop_reap() was released");
	for (int i = 0; i < 2; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
}

#define MANY 300

static struct timer many[MANY];
static int64_t last_at_ms;
static int many_fired, early, in_disorder;

static void fire_one_of_many(struct timer *timer)
{
	early += loop_now_ms(loop) < timer->at_ms;
	in_disorder += timer->at_ms < last_at_ms;
	last_at_ms = timer->at_ms;
	if (++many_fired == MANY - MANY / 3)
		loop_stop(loop);
}

/* Started, started anew and stopped in an order that has none. */
static void many_timers(void)
{
	unsigned number = 12345;

	for (int i = 0; i < 2 * MANY; i++) {
		number = number * 1103515245 + 12345;
		timer_start(loop, &many[i % MANY], (number >> 16) % 40, fire_one_of_many);
	}
	for (int i = 0; i < MANY; i += 3) {
		timer_stop(&many[i]);
		timer_stop(&many[i]);
	}
	loop_run(loop);
	IS_INT(many_fired, MANY - MANY / 3, "each timer that is on fires once");
	OK(early == 0 && in_disorder == 0, "none early, and in the order of their instants");
	for (int i = 0; i < MANY; i++)
		if (timer_is_on(&many[i]))
			OK(false, "timer %d is still on", i);
}

static struct timer restless;
static int restless_fired;

static void fire_again(struct timer *timer)
{
	restless_fired++;
	timer_start(loop, timer, 0, fire_again);
}

static struct watch one;
static int one_called;

static void one_ready(struct watch *watch, uint32_t events)
{
	one_called++;
	loop_stop(loop);
}

/* A timer that starts itself anew leaves others their turn. */
static void turns_are_shared(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 || write(fds[1], "x", 1) != 1)
		return;
	for (int i = 0; i < MANY; i++)
		timer_start(loop, &many[i], 3600000, fire_one_of_many);
	timer_start(loop, &restless, 0, fire_again);
	watch_start(loop, &one, fds[0], EPOLLIN, one_ready);
	loop_run(loop);
	IS_INT(one_called, 1, "a timer of 0 ms, again and again, does not keep a watch waiting");
	IS_INT(restless_fired, 1, "it fires once a turn, however many others wait");
	for (int i = 0; i < MANY; i++)
		timer_stop(&many[i]);
	watch_change(&one, 0);
	timer_stop(&restless);
	timers_left = 1;
	timer_start(loop, &timers[0], 5, fire);
	fired_count = 0;
	loop_run(loop);
	OK(one_called == 1 && fired_count == 1, "what it does not want any more is not told");
	watch_change(&one, EPOLLIN);
	loop_run(loop);
	IS_INT(one_called, 2, "until it wants it again");
	watch_stop(&one);
	close(fds[0]);
	close(fds[1]);
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void descriptors_are_closed(void)
{
	int before = lowest_free();
	struct loop *another;
	struct err err;

	OK(loop_new(&another, &err) && lowest_free() > before, "another loop");
	loop_free(another);
	IS_INT(lowest_free(), before, "it leaves no descriptor behind");
}

static int64_t lag_inside_us;

static void hold_up(struct timer *timer)
{
	int64_t began_us = clock_monotonic_us();

	while (clock_monotonic_us() - began_us < 3000)
		;
	lag_inside_us = loop_times_lag_us(loop_times(loop), clock_monotonic_us());
	loop_stop(loop);
}

static void turns_are_timed(void)
{
	struct time_sum before = { .sum_us = 0 }, after = { .sum_us = 0 };
	struct timer timer = { .loop = NULL };
	uint64_t turns = 0;

	time_histogram_add(&loop_times(loop)->turns, &before);
	timer_start(loop, &timer, 20, hold_up);
	loop_run(loop);
	time_histogram_add(&loop_times(loop)->turns, &after);
	for (unsigned i = 0; i <= TIME_BUCKETS; i++)
		turns += after.buckets[i] - before.buckets[i];
	OK(turns >= 2, "the turn before the wait, and the one that the timer fired in");
	OK(after.sum_us - before.sum_us >= 3000, "as long as they took");
	OK(lag_inside_us >= 3000, "whoever asks meanwhile is told how long it lasts by then");
	IS_INT(loop_times_lag_us(loop_times(loop), clock_monotonic_us()), 0,
	       "and nothing while no turn is under way");
}

int main(void)
{
	struct err err;

	if (!loop_new(&loop, &err))
		return 1;
	timers_in_order();
	stopped_watch_is_quiet();
	many_timers();
	turns_are_shared();
	turns_are_timed();
	descriptors_are_closed();
	loop_free(loop);
	return tap_end();
}
