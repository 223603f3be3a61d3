#include "service/watchdog.h"

#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "service/notify.h"
#include "tap.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TIME_MS 40

static struct loop *loop, *other;
static struct mailbox *box;
static struct err err;

static void stop_loop(struct timer *timer)
{
	loop_stop(loop);
}

static int fed;

static void manager_hears(struct watch *watch, uint32_t events)
{
	char text[64];

	while (recv(watch->fd, text, sizeof(text), 0) > 0)
		fed++;
}

/* Turns the watchdog's loop for a while; how often it was fed. */
static int fed_within(int64_t ms)
{
	struct timer timer = { 0 };

	fed = 0;
	timer_start(loop, &timer, ms, stop_loop);
	loop_run(loop);
	return fed;
}

static void *turn_other(void *what)
{
	loop_run(other);
	return what;
}

/* ---- a thread that hangs when it is told to ---- */

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_door(struct mail *mail)
{
	pthread_mutex_lock(&door);
	pthread_mutex_unlock(&door);
}

static void test_loops(struct watchdog *watchdog)
{
	struct mail hang = { .deliver = wait_at_door };
	pthread_t thread;

	OK(fed_within(10 * TIME_MS) > 1, "with nobody to watch it is fed");
	pthread_create(&thread, NULL, turn_other, NULL);
	watchdog_watch_loop(watchdog, "the other loop", box);
	OK(fed_within(10 * TIME_MS) > 1, "while the other loop turns it is fed");
	pthread_mutex_lock(&door);
	mailbox_post(box, &hang);
	(void)fed_within(2 * TIME_MS);
	IS_INT(fed_within(10 * TIME_MS), 0, "once it hangs, no more");
	pthread_mutex_unlock(&door);
	OK(fed_within(10 * TIME_MS) > 1, "it turns again, and all goes on");
	pthread_mutex_lock(&door);
	mailbox_post(box, &hang);
	watchdog_rest(watchdog);
	OK(fed_within(10 * TIME_MS) > 1, "at rest nobody is waited for");
	pthread_mutex_unlock(&door);
	loop_stop(other);
	pthread_join(thread, NULL);
}

static void stay_silent(struct watchdog_pulse *pulse)
{
	OK(!atomic_load(&pulse->has_answered) && pulse->missed == 0, "it is asked once");
}

static void test_patience(struct watchdog *watchdog)
{
	struct watchdog_pulse *pulse = xcalloc(1, sizeof(*pulse));

	pulse->ask = stay_silent;
	pulse->patience = 1000000;
	watchdog_watch(watchdog, pulse);
	OK(fed_within(10 * TIME_MS) > 1, "one that may be silent for long is not waited for");
	pulse->patience = 0;
	(void)fed_within(2 * TIME_MS);
	IS_INT(fed_within(10 * TIME_MS), 0, "once that is over, it is");
	watchdog_rest(watchdog);
	watchdog_forget(watchdog);
}

static void test_time(void)
{
	char own[16];
	const struct {
		const char *time, *pid;
		int64_t ms;
		const char *what;
	} cases[] = {
		{ NULL, NULL, 0, "no variable: nobody watches" },
		{ "30000000", NULL, 30000, "half a minute, whoever we are" },
		{ "30000000", own, 30000, "... of our own process" },
		{ "30000000", "1", 0, "... of another one" },
		{ "30000000", "x", 0, "... of none" },
		{ "soon", NULL, 0, "what is no number" },
		{ "999", NULL, 0, "less than a millisecond" },
	};

	snprintf(own, sizeof(own), "%d", getpid());
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (cases[i].time)
			setenv("WATCHDOG_USEC", cases[i].time, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		IS_INT(watchdog_time_ms(), cases[i].ms, "%s", cases[i].what);
	}
}

static int open_manager(char *name, size_t size)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(name, size, "@callspool-watchdog-%d", getpid());
	memcpy(where.sun_path, name, strlen(name));
	where.sun_path[0] = '\0';
	if (bind(fd, (const struct sockaddr *)&where,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) < 0)
		perror("bind");
	return fd;
}

int main(void)
{
	struct notify *notify = NULL;
	struct watch manager = { 0 };
	struct watchdog *watchdog;
	char name[64];
	int manager_fd;

	test_time();
	manager_fd = open_manager(name, sizeof(name));
	if (!notify_open(name, &notify, &err) || !loop_new(&loop, &err) ||
	    !loop_new(&other, &err) || !mailbox_open(other, &box, &err))
		return 1;
	watch_start(loop, &manager, manager_fd, EPOLLIN, manager_hears);
	watchdog = watchdog_start(loop, notify, TIME_MS);
	test_patience(watchdog);
	test_loops(watchdog);
	watchdog_watch(NULL, xcalloc(1, sizeof(struct watchdog_pulse)));
	mailbox_free(box);
	watchdog_forget(watchdog);
	watchdog_free(watchdog);
	watchdog_free(NULL);
	notify_free(notify);
	watch_stop(&manager);
	loop_free(other);
	loop_free(loop);
	close(manager_fd);
	return tap_end();
}
