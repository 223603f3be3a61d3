#include "purge/purge_duty.h"

#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "purge/purge.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS  INT64_C(3600000)
#define AGAIN_MS INT64_C(60000) /* after a failure */
#define CLOCK_MS \
	INT64_C(5000) /* while nobody vouches for the clock: Twilio's answer may come at any time */
#define LEAST_MS INT64_C(20)

struct purge_duty {
	struct loop *loop;
	struct mailbox *mailbox;
	struct timer timer;
	struct purge_run run;
	bool is_running, is_woken;
	atomic_bool is_stopping;
	char told[sizeof(
		((struct err *)NULL)->text)]; /* why nothing goes on, as the log has it; "" */
};

struct waking {
	struct mail mail;
	struct purge_duty *duty;
};

static void begin(struct timer *timer)
{
	struct purge_duty *duty = container_of(timer, struct purge_duty, timer);

	if (!ledger_has_duties(duty->run.env->ledger)) {
		timer_start(duty->loop, timer, LEDGER_DUTY_LOOK_MS, begin);
		return;
	}
	duty->is_running = true;
	duty->is_woken = false;
	purge_run_start(&duty->run);
}

/* Once, though the times that it names go on. */
static void tell_failure(struct purge_duty *duty, const struct err *err)
{
	bool is_clock = err->kind == ERR_UNAVAILABLE;

	if (duty->told[0] == '\0' || !is_clock)
		log_warn(NULL, "what is older than it is kept is not removed now: %s", err->text);
	str_fit(str_of(err->text), duty->told, sizeof(duty->told));
}

static int64_t next_ms(const struct purge_duty *duty)
{
	const struct purge_run *run = &duty->run;
	int64_t wait_ms = HOUR_MS;

	if (run->err.text[0] != '\0')
		return run->err.kind == ERR_UNAVAILABLE ? CLOCK_MS : AGAIN_MS;
	if (run->next_at_ms !=
	    0) /* by this clock it may be due while it is not yet by what vouches for that */
		wait_ms = run->next_at_ms - run->now_ms;
	if (duty->is_woken || wait_ms < LEAST_MS)
		return LEAST_MS;
	return wait_ms < HOUR_MS ? wait_ms : HOUR_MS;
}

static void ended(struct purge_run *run)
{
	struct purge_duty *duty = container_of(run, struct purge_duty, run);

	duty->is_running = false;
	if (duty->is_stopping)
		return;
	if (run->purged > 0)
		log_info(
			NULL,
			"%lld recordings that were older than they are kept are removed (%llu bytes)",
			(long long)run->purged, (unsigned long long)run->bytes);
	if (run->err.text[0] != '\0')
		tell_failure(duty, &run->err);
	else
		duty->told[0] = '\0';
	timer_start(duty->loop, &duty->timer, next_ms(duty), begin);
}

static void woken(struct mail *mail)
{
	AUTO(free) struct waking *waking = container_of(mail, struct waking, mail);
	struct purge_duty *duty = waking->duty;

	duty->is_woken = true;
	if (!duty->is_running && !duty->is_stopping)
		timer_start(duty->loop, &duty->timer, 0, begin);
}

void purge_duty_wake(struct purge_duty *duty)
{
	struct waking *waking = xcalloc(1, sizeof(*waking));

	waking->duty = duty;
	waking->mail.deliver = woken;
	mailbox_post(duty->mailbox, &waking->mail);
}

struct purge_duty *purge_duty_new(const struct purge_env *env, struct loop *loop,
				  struct mailbox *mailbox)
{
	struct purge_duty *duty = xcalloc(1, sizeof(*duty));

	duty->loop = loop;
	duty->mailbox = mailbox;
	duty->run.env = env;
	duty->run.mailbox = mailbox;
	duty->run.done = ended;
	timer_start(loop, &duty->timer, 0, begin);
	return duty;
}

void purge_duty_stop(struct purge_duty *duty)
{
	if (duty)
		duty->is_stopping = duty->run.is_stopping = true;
}

void purge_duty_free(struct purge_duty *duty)
{
	if (!duty)
		return;
	timer_stop(&duty->timer);
	free(duty);
}
