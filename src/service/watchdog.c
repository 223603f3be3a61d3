#include "service/watchdog.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "service/notify.h"

#include <stdlib.h>
#include <unistd.h>

struct watchdog {
	struct loop *loop;
	const struct notify *notify;
	struct timer timer;
	int64_t interval_ms;
	struct watchdog_pulse *first;
	bool is_resting;
	bool is_starved; /* told in the log */
};

/* The common kind: a mail that says that it was delivered. */
struct loop_pulse {
	struct watchdog_pulse pulse;
	struct mailbox *mailbox;
	struct mail mail;
};

int64_t watchdog_time_ms(void)
{
	const char *time = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
	uint64_t us, pid;

	if (!time || !str_to_u64(str_of(time), &us))
		return 0;
	if (pid_text && (!str_to_u64(str_of(pid_text), &pid) || pid != (uint64_t)getpid()))
		return 0;
	return (int64_t)(us / 1000);
}

static bool has_answered(const struct watchdog_pulse *pulse)
{
	return atomic_load_explicit(&pulse->has_answered, memory_order_acquire);
}

/* A patient one is still asked what it was asked before. */
static void ask_all(struct watchdog *watchdog)
{
	for (struct watchdog_pulse *pulse = watchdog->first; pulse; pulse = pulse->next) {
		if (!has_answered(pulse))
			continue;
		atomic_store_explicit(&pulse->has_answered, false, memory_order_relaxed);
		pulse->ask(pulse);
	}
}

static bool is_silent(struct watchdog_pulse *pulse)
{
	if (has_answered(pulse))
		pulse->missed = 0;
	else if (pulse->missed <= pulse->patience)
		pulse->missed++;
	return pulse->missed > pulse->patience;
}

/* One that has not answered for too long; NULL: there is none. */
static const struct watchdog_pulse *silent_one(const struct watchdog *watchdog)
{
	const struct watchdog_pulse *found = NULL;

	for (struct watchdog_pulse *pulse = watchdog->first; pulse; pulse = pulse->next)
		if (is_silent(pulse))
			found = pulse;
	return found;
}

static void look(struct timer *timer)
{
	struct watchdog *watchdog = container_of(timer, struct watchdog, timer);
	const struct watchdog_pulse *silent = watchdog->is_resting ? NULL : silent_one(watchdog);

	timer_start(watchdog->loop, timer, watchdog->interval_ms, look);
	if (silent) {
		if (!watchdog->is_starved)
			log_warn(NULL,
				 "%s does not turn: unless it does, the service manager ends "
				 "this process",
				 silent->name);
		watchdog->is_starved = true;
		return;
	}
	watchdog->is_starved = false;
	notify_send(watchdog->notify, "WATCHDOG=1");
	if (!watchdog->is_resting)
		ask_all(watchdog);
}

struct watchdog *watchdog_start(struct loop *loop, const struct notify *notify, int64_t time_ms)
{
	struct watchdog *watchdog = xcalloc(1, sizeof(*watchdog));

	watchdog->loop = loop;
	watchdog->notify = notify;
	watchdog->interval_ms = time_ms / WATCHDOG_LOOKS > 0 ? time_ms / WATCHDOG_LOOKS : 1;
	timer_start(loop, &watchdog->timer, 0, look);
	return watchdog;
}

void watchdog_watch(struct watchdog *watchdog, struct watchdog_pulse *pulse)
{
	if (!watchdog) {
		free(pulse);
		return;
	}
	watchdog->is_resting = false;
	watchdog_answer(pulse); /* what was never asked has nothing to answer */
	pulse->next = watchdog->first;
	watchdog->first = pulse;
}

static void delivered(struct mail *mail)
{
	watchdog_answer(&container_of(mail, struct loop_pulse, mail)->pulse);
}

static void ask_loop(struct watchdog_pulse *pulse)
{
	struct loop_pulse *loop_pulse = container_of(pulse, struct loop_pulse, pulse);

	mailbox_post(loop_pulse->mailbox, &loop_pulse->mail);
}

void watchdog_watch_loop(struct watchdog *watchdog, const char *name, struct mailbox *mailbox)
{
	struct loop_pulse *loop_pulse = xcalloc(1, sizeof(*loop_pulse));

	loop_pulse->pulse.ask = ask_loop;
	loop_pulse->pulse.name = name;
	loop_pulse->mailbox = mailbox;
	loop_pulse->mail.deliver = delivered;
	watchdog_watch(watchdog, &loop_pulse->pulse);
}

void watchdog_rest(struct watchdog *watchdog)
{
	if (watchdog)
		watchdog->is_resting = true;
}

void watchdog_forget(struct watchdog *watchdog)
{
	while (watchdog && watchdog->first) {
		struct watchdog_pulse *pulse = watchdog->first;

		watchdog->first = pulse->next;
		free(pulse);
	}
}

void watchdog_free(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	timer_stop(&watchdog->timer);
	watchdog_forget(watchdog);
	free(watchdog);
}
