/* What is older than it is kept is removed, page by page, and when it is looked again. */
#include "purge/purge_duty.h"

#include "audit/audit_options.h"
#include "audit/audit_trail.h"
#include "catalog/catalog_sql.h"
#include "flights_fixture.h"
#include "purge/clock_guard.h"
#include "purge/purge.h"
#include "retention/retention.h"

#include <sodium.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define BYTES     9 /* of each recording */

static struct purge_env purge_env;
static struct audit_trail trail;

/* ---- the duty's timer is fired by the test ---- */

static struct timer *timer;
static bool expects_timer;
static int64_t rest_ms;
static void (*fire)(struct timer *timer);
static unsigned rests, seen_rests;

void __real_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer));
void __wrap_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer));

void __wrap_timer_start(struct loop *loop, struct timer *of, int64_t ms,
			void (*then)(struct timer *timer))
{
	if (expects_timer)
		timer = of;
	expects_timer = false;
	if (of != timer) {
		__real_timer_start(loop, of, ms, then);
		return;
	}
	if (loop != env.loop)
		abort();
	rest_ms = ms;
	fire = then;
	rests++;
}

static bool rests_again(void)
{
	return rests != seen_rests;
}

static void go_on(void)
{
	seen_rests = rests;
	__real_timer_start(env.loop, timer, 0, fire);
	until(rests_again);
}

/* ---- what there is ---- */

static unsigned stored; /* numbers that were given */

struct batch {
	unsigned count;
	int64_t started_at_ms;
};

static bool run_events(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct batch *batch = fixture_write.what;

	for (unsigned n = stored; n < stored + batch->count; n++) {
		char call[SID_SIZE], sid[SID_SIZE];
		struct event event;
		int64_t seq;

		snprintf(call, sizeof(call), "CA%032x", n);
		snprintf(sid, sizeof(sid), "RE%032x", n);
		event_init(&event, EVENT_RECORDING_STATUS, clock_wall_ms());
		event.account_sid = STR(ACCOUNT);
		event.call_sid = str_of(call);
		event.recording_sid = str_of(sid);
		event.status = STR("completed");
		event.started_at_ms = batch->started_at_ms;
		if (!events_append(catalog, &event, &seq, why))
			return false;
	}
	return true;
}

static bool run_stored(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	const struct batch *batch = fixture_write.what;

	for (unsigned n = stored; n < stored + batch->count; n++) {
		char sid[SID_SIZE];
		struct recording_media media = { .stored_at_ms = clock_wall_ms(),
						 .generation = n + 1,
						 .size = BYTES,
						 .format = "mp3",
						 .path = "00/x" };

		snprintf(sid, sizeof(sid), "RE%032x", n);
		if (!recordings_mark_stored(catalog, str_of(sid), &media, why))
			return false;
	}
	return true;
}

static void store(unsigned count, int64_t started_at_ms)
{
	const struct batch batch = { count, started_at_ms };

	write_now(run_events, &batch);
	until(fixture_is_projected);
	write_now(run_stored, &batch);
	stored += count;
}

static void hear(int64_t date_ms)
{
	clock_guard_free(purge_env.guard);
	purge_env.guard = clock_guard_new();
	if (date_ms != 0)
		clock_guard_heard(purge_env.guard, date_ms);
}

/* ---- one run ---- */

static struct purge_run run;
static bool is_over;

static void over(struct purge_run *of)
{
	is_over = true;
}

static bool run_is_over(void)
{
	return is_over;
}

static void run_all(void)
{
	is_over = false;
	run.env = &purge_env;
	run.mailbox = env.mailbox;
	run.done = over;
	purge_run_start(&run);
	until(run_is_over);
}

static void test_run(void)
{
	int64_t next_ms = clock_wall_ms() - DAY_MS + 30 * MINUTE_MS;

	run_all();
	OK(run.purged == 0 && run.failed == 0 && run.bytes == 0 && run.next_at_ms == 0 &&
		   run.err.text[0] == '\0',
	   "nothing is there: of no clock anything is said");
	store(1, next_ms);
	store(1, clock_wall_ms());
	store(PURGE_PAGE + 2, clock_wall_ms() - 10 * DAY_MS);
	run_all();
	OK(run.purged == 0 && run.err.kind == ERR_UNAVAILABLE && run.err.text[0] != '\0' &&
		   !run.is_paused,
	   "nobody vouches for the clock: %s", run.err.text);
	hear(clock_wall_ms());
	run_all();
	OK(run.purged == PURGE_PAGE + 2 && run.failed == 0 && run.err.text[0] == '\0',
	   "a page and two more are removed: %s", run.err.text);
	IS_INT(run.bytes, (PURGE_PAGE + 2) * BYTES, "so many bytes");
	IS_INT(run.next_at_ms, next_ms + DAY_MS + 1, "and when the next is due");
	OK(run.now_ms > next_ms && run.now_ms <= clock_wall_ms(), "by this clock");
	run_all();
	OK(run.purged == 0 && run.bytes == 0 && run.next_at_ms == next_ms + DAY_MS + 1,
	   "again: none is left, and nothing of before is told");
	store(PURGE_PAGE + 1, clock_wall_ms() - 10 * DAY_MS);
	run.is_stopping = true;
	run_all();
	IS_INT(run.purged, PURGE_PAGE, "one that is stopped ends behind its page");
	run.is_stopping = false;
	run_all();
	IS_INT(run.purged, 1, "and another goes on");
}

/* ---- the duty ---- */

static void test_duty(void)
{
	struct purge_duty *duty;

	expects_timer = true;
	duty = purge_duty_new(&purge_env, env.loop, env.mailbox);
	IS_INT(rest_ms, 0, "it begins at once");
	store(2, clock_wall_ms() - 10 * DAY_MS);
	go_on();
	OK(rest_ms > 20 * MINUTE_MS && rest_ms <= 30 * MINUTE_MS,
	   "and rests until the next is due: %" PRId64, rest_ms);
	run_all();
	IS_INT(run.purged, 0, "what was due is removed");

	hear(0);
	go_on();
	OK(rest_ms > 20 * MINUTE_MS, "of a clock nothing is said while none is due");
	store(1, clock_wall_ms() - 10 * DAY_MS);
	go_on();
	IS_INT(rest_ms, 5000, "else it looks again soon: Twilio's answer may come at any time");
	hear(clock_wall_ms());
	seen_rests = rests;
	purge_duty_wake(duty);
	until(rests_again);
	IS_INT(rest_ms, 0, "who wakes it has it look at once");
	go_on();
	OK(rest_ms > 20 * MINUTE_MS && rest_ms <= 30 * MINUTE_MS, "then it rests again: %" PRId64,
	   rest_ms);

	store(1, clock_wall_ms() - DAY_MS + MINUTE_MS);
	go_on();
	OK(rest_ms > 0 && rest_ms <= MINUTE_MS + 1, "the next is due in a moment: %" PRId64,
	   rest_ms);
	purge_duty_stop(duty);
	seen_rests = rests;
	purge_duty_wake(duty);
	__real_timer_start(env.loop, &fixture_timer, 10, fixture_tick);
	loop_run(env.loop);
	IS_INT(rests, seen_rests, "once it is stopped nobody wakes it");
	purge_duty_free(duty);
	purge_duty_stop(NULL);
	purge_duty_free(NULL);
}

static bool run_sql(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return db_exec(catalog_db(catalog), fixture_write.what, why);
}

/* Nothing is in sight: an hour. */
static void test_nothing_in_sight(void)
{
	struct purge_duty *duty;

	write_now(run_sql, "UPDATE recordings SET started_at_ms = 4000000000000");
	expects_timer = true;
	duty = purge_duty_new(&purge_env, env.loop, env.mailbox);
	go_on();
	IS_INT(rest_ms, HOUR_MS, "what is due in years is looked at in an hour");
	write_now(run_sql, "UPDATE recordings SET is_held = 1");
	go_on();
	IS_INT(rest_ms, HOUR_MS, "as is nothing at all");
	purge_duty_free(duty);
}

static bool begin_trail(struct ledger_job *job, struct catalog *catalog, struct err *why)
{
	return audit_trail_begin(&trail, catalog, why);
}

int main(void)
{
	const struct audit_options audit_options = { .key_file = NULL };
	struct retention_rules rules = retention_rules_of(DAY_MS);
	AUTO(retention_free) struct retention *retention = retention_new(&rules);

	if (sodium_init() < 0)
		return 1;
	fixture_start();
	must(audit_trail_open(&audit_options, folder, true, NULL, &trail, &err));
	write_now(begin_trail, NULL);
	purge_env =
		(struct purge_env){ .ledger = env.ledger, .retention = retention, .trail = &trail };
	hear(0);
	test_run();
	test_duty();
	test_nothing_in_sight();
	fixture_stop(NULL);
	clock_guard_free(purge_env.guard);
	audit_trail_release(&trail);
	return tap_end();
}
