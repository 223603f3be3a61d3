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

int main(void)
{
	struct err err;

	if (!loop_new(&loop, &err))
		return 1;
	timers_in_order();
	stopped_watch_is_quiet();
	loop_free(loop);
	return tap_end();
}
