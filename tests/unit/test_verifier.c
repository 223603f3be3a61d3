/* When the verifier makes a turn, and when it looks at what is being mended: its parts only note that they are begun. */
#include "verify/verifier.h"

#include "base/mem.h"
#include "base/own.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "ledger/ledger.h"
#include "must.h"
#include "tap.h"
#include "verify/mender.h"
#include "verify/verify_env.h"
#include "verify/verify_turn.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

static struct err err;
static struct verifier *verifier;

/* ---- its parts, and what it stands on ---- */

static const struct verify_env *env;
static void *owner;
static void (*turned)(void *owner, const struct verify_result *result);
static void (*mended)(void *owner, bool waits);
static struct ledger_listener *listener;
static bool has_duties = true;
static unsigned turns, mends;
static int64_t held_us;    /* by the last pass of the mender */
static int64_t forward_ms; /* that the clock was put */

/* Its two timers, which are fired here. */
static struct alarm {
	struct timer *timer;
	int64_t ms; /* -1: it is not set */
	unsigned sets;
	void (*fire)(struct timer *timer);
} alarms[2];
static struct alarm *const next = &alarms[0], *const mending = &alarms[1];

struct verify_turn *__wrap_verify_turn_new(const struct verify_env *its_env, void *its_owner,
					   void (*ended)(void *owner,
							 const struct verify_result *result));
void __wrap_verify_turn_start(struct verify_turn *turn);
struct mender *__wrap_mender_new(const struct verify_env *its_env, void *its_owner,
				 void (*ended)(void *owner, bool waits));
void __wrap_mender_start(struct mender *mender);
int64_t __wrap_mender_held_us(const struct mender *mender);
int64_t __real_loop_now_ms(const struct loop *loop);
int64_t __wrap_loop_now_ms(const struct loop *loop);
void __wrap_ledger_listen(struct ledger *ledger, struct ledger_listener *its_listener);
bool __wrap_ledger_has_duties(const struct ledger *ledger);
void __real_timer_start(struct loop *loop, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *timer));
void __wrap_timer_start(struct loop *loop, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *timer));

struct verify_turn *__wrap_verify_turn_new(const struct verify_env *its_env, void *its_owner,
					   void (*ended)(void *owner,
							 const struct verify_result *result))
{
	env = its_env;
	owner = its_owner;
	turned = ended;
	return NULL;
}

void __wrap_verify_turn_start(struct verify_turn *turn)
{
	turns++;
}

struct mender *__wrap_mender_new(const struct verify_env *its_env, void *its_owner,
				 void (*ended)(void *owner, bool waits))
{
	mended = ended;
	return NULL;
}

void __wrap_mender_start(struct mender *mender)
{
	mends++;
}

int64_t __wrap_mender_held_us(const struct mender *mender)
{
	return held_us;
}

int64_t __wrap_loop_now_ms(const struct loop *loop)
{
	return __real_loop_now_ms(loop) + forward_ms;
}

void __wrap_ledger_listen(struct ledger *ledger, struct ledger_listener *its_listener)
{
	listener = its_listener;
}

bool __wrap_ledger_has_duties(const struct ledger *ledger)
{
	return has_duties;
}

/* The first that is set is that of turns, the second that of mending: as verifier_start() does it. */
void __wrap_timer_start(struct loop *loop, struct timer *timer, int64_t ms,
			void (*fire)(struct timer *timer))
{
	for (size_t i = 0; i < ARRAY_LEN(alarms); i++)
		if (!alarms[i].timer || alarms[i].timer == timer) {
			alarms[i] = (struct alarm){
				.timer = timer, .ms = ms, .sets = alarms[i].sets + 1, .fire = fire
			};
			break;
		}
	__real_timer_start(loop, timer, forward_ms + ms, fire); /* its loop does not turn */
}

static void fire(struct alarm *alarm)
{
	alarm->ms = -1;
	timer_stop(alarm->timer);
	alarm->fire(alarm->timer);
}

/* Its thread does nothing, so that all of it happens here. */
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *argument);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *argument);

static bool is_starting, cannot_start;

static void *idle(void *argument)
{
	return NULL;
}

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *argument)
{
	if (is_starting && cannot_start)
		return 11;
	return __real_pthread_create(out, attributes, is_starting ? idle : run, argument);
}

static bool start(void)
{
	bool has_started;

	is_starting = true;
	has_started = verifier_start(verifier, &err);
	is_starting = false;
	return has_started;
}

/* With the options in force, and both at rest: nothing is due. */
static void settle(int64_t every_ms, uint64_t rate_bytes)
{
	const struct verify_options options = { .every_ms = every_ms, .rate_bytes = rate_bytes };

	verifier_change(verifier, &options);
	verifier_drain(verifier);
	has_duties = true;
	held_us = 0;
	fire(next);
	if (mending->ms >= 0)
		fire(mending);
	mended(owner, false);
	turns = mends = 0;
}

/* ---- turns ---- */

static void test_start(void)
{
	verifier_wake(verifier);
	verifier_drain(verifier);
	OK(!next->timer && !mending->timer,
	   "before it starts nothing is begun, though it is woken");
	cannot_start = true;
	OK(!start() && err.kind == ERR_INTERNAL, "without a thread it does not: %s", err.text);
	cannot_start = false;
	timer_stop(next->timer);
	timer_stop(mending->timer);
	next->ms = mending->ms = -1;
	OK(start(), "it starts");
	OK(next->ms == 0 && mending->ms == 0, "both are looked at at once");
	OK(verifier_mailbox(verifier) == env->mailbox && listener->mailbox == env->mailbox,
	   "it hears by the mailbox of its loop");
	IS_INT(env->read_again_ms, MINUTE, "what cannot be read is read again after a minute");
	OK(turns == 0 && mends == 0, "nothing has begun");
	fire(next);
	fire(mending);
	OK(turns == 1 && mends == 1, "but when it is time");
	mended(owner, false);
	turned(owner, &(struct verify_result){ .outcome = VERIFY_IDLE, .wait_ms = 5 });
}

static void test_duties(void)
{
	settle(INT64_MAX, 0);
	turned(owner, &(struct verify_result){ .outcome = VERIFY_IDLE, .wait_ms = 7 });
	has_duties = false;
	fire(next);
	fire(mending);
	OK(turns == 0 && mends == 0, "another process has the duties");
	OK(next->ms == LEDGER_DUTY_LOOK_MS && mending->ms == LEDGER_DUTY_LOOK_MS,
	   "whether it has them still is looked at");
	has_duties = true;
	fire(next);
	fire(mending);
	OK(turns == 1 && mends == 1, "until it has not");
}

/* How long it rests between two turns. */
static void test_pauses(void)
{
	static const struct {
		const char *name;
		int64_t every_ms;
		uint64_t rate_bytes;
		struct verify_result result;
		int64_t rest_ms;
	} rows[] = {
		{ "nothing is due yet", 0, 0, { .outcome = VERIFY_IDLE, .wait_ms = 1234 }, 1234 },
		{ "something is held up", 0, 0, { .outcome = VERIFY_HELD_UP }, 30 * SECOND },
		{ "one that was asked for, at full speed",
		  100 * MINUTE,
		  0,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_ASKED, .read = 1 << 20 },
		  0 },
		{ "by a rate: read in no time",
		  100 * MINUTE,
		  1000,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_ASKED, .read = 5000 },
		  5000 },
		{ "read in a part of it",
		  100 * MINUTE,
		  1000,
		  { .outcome = VERIFY_STEPPED,
		    .pass = VERIFICATION_ASKED,
		    .read = 5000,
		    .took_ms = 2000 },
		  3000 },
		{ "read in longer than that",
		  100 * MINUTE,
		  1000,
		  { .outcome = VERIFY_STEPPED,
		    .pass = VERIFICATION_ASKED,
		    .read = 5000,
		    .took_ms = 5001 },
		  0 },
		{ "one by itself: a part of its time",
		  5 * MINUTE,
		  0,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_BY_ITSELF },
		  300 },
		{ "a second at most",
		  100 * MINUTE,
		  0,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_BY_ITSELF },
		  1000 },
		{ "the longer of both: the rate",
		  5 * MINUTE,
		  1000,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_BY_ITSELF, .read = 301 },
		  301 },
		{ "the longer of both: its part",
		  5 * MINUTE,
		  1000,
		  { .outcome = VERIFY_STEPPED, .pass = VERIFICATION_BY_ITSELF, .read = 299 },
		  300 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		settle(rows[i].every_ms, rows[i].rate_bytes);
		turned(owner, &rows[i].result);
		IS_INT(next->ms, rows[i].rest_ms, "%s: the rest", rows[i].name);
		OK(turns == 0 && mends == 0, "%s: nothing has begun", rows[i].name);
	}
}

static void test_woken(void)
{
	const struct verify_result idle_result = { .outcome = VERIFY_IDLE, .wait_ms = 500 };

	settle(INT64_MAX, 0);
	next->ms = -1;
	verifier_wake(verifier);
	verifier_drain(verifier);
	IS_INT(next->ms, -1, "who is woken in a turn ends it first");
	turned(owner, &idle_result);
	IS_INT(next->ms, 0, "and makes the next at once");
	fire(next);
	turned(owner, &idle_result);
	IS_INT(next->ms, 500, "one");
	verifier_wake(verifier);
	verifier_drain(verifier);
	IS_INT(next->ms, 0, "who is woken at rest makes one at once");
	IS_INT(env->options.every_ms, INT64_MAX, "with the options as they were");
	verifier_change(verifier, &(struct verify_options){ .every_ms = 9, .rate_bytes = 8 });
	verifier_drain(verifier);
	OK(env->options.every_ms == 9 && env->options.rate_bytes == 8,
	   "but where they are changed");
	fire(next);
	turned(owner, &idle_result);
	verifier_change(verifier, &env->options);
	verifier_drain(verifier);
	IS_INT(next->ms, 0, "which wakes it, too");
}

static size_t lines_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

/* That it has to wait is told once, until it goes on. */
static void test_told(void)
{
	const struct verify_result held_up = { .outcome = VERIFY_HELD_UP, .err.text = "no room" };
	const struct verify_result stepped = { .outcome = VERIFY_STEPPED };
	int before = dup(STDERR_FILENO), memory = memfd_create("told", 0);
	char text[2048] = "";

	settle(INT64_MAX, 0);
	if (before < 0 || memory < 0 || dup2(memory, STDERR_FILENO) < 0)
		abort();
	turned(owner, &held_up);
	turned(owner, &held_up);
	turned(owner, &(struct verify_result){ .outcome = VERIFY_IDLE });
	turned(owner, &held_up);
	turned(owner, &stepped);
	turned(owner, &held_up);
	fflush(stderr);
	if (pread(memory, text, sizeof(text) - 1, 0) < 0 || dup2(before, STDERR_FILENO) < 0)
		abort();
	close(before);
	close(memory);
	IS_INT(lines_of(text, "no room"), 2, "that it has to wait is told once, and once more");
}

/* ---- mending ---- */

static void test_mending(void)
{
	const struct verify_result faults = { .outcome = VERIFY_STEPPED, .faults = 1 };

	settle(INT64_MAX, 0);
	IS_INT(mending->ms, 5 * MINUTE, "what is being mended is looked at now and then");
	turned(owner, &(struct verify_result){ .outcome = VERIFY_STEPPED });
	IS_INT(mending->ms, 5 * MINUTE, "a turn that found nothing changes nothing");
	turned(owner, &faults);
	IS_INT(mending->ms, 0, "what is found is mended at once");
	fire(mending);
	OK(mends == 1, "it is");
	turned(owner, &faults);
	IS_INT(mending->ms, -1, "what is found meanwhile waits for the end of that");
	mended(owner, false);
	IS_INT(mending->ms, 200, "and comes then");
	fire(mending);
	mended(owner, false);
	IS_INT(mending->ms, 5 * MINUTE, "once");
}

static void change(unsigned what)
{
	listener->changed(listener, &(struct projection_change){ .what = what }, 1);
}

static void test_heard(void)
{
	static const struct {
		unsigned what;
		bool is_looked_at;
	} rows[] = {
		{ PROJECTED_RECORDING, true }, { PROJECTED_STORED, true },
		{ PROJECTED_REMOVED, true },   { PROJECTED_ALL, true },
		{ PROJECTED_TO_FETCH, false }, { 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		settle(INT64_MAX, 0);
		change(rows[i].what);
		IS_INT(mending->ms, 5 * MINUTE, "%x: where nothing is mended it is nothing to us",
		       rows[i].what);
		fire(mending);
		change(rows[i].what);
		mended(owner, true);
		IS_INT(mending->ms, rows[i].is_looked_at ? 200 : 5 * MINUTE,
		       "%x: while something is it may be of it", rows[i].what);
		if (mending->ms == 200) {
			fire(mending);
			mended(owner, true);
		}
		change(rows[i].what);
		IS_INT(mending->ms, rows[i].is_looked_at ? 200 : 5 * MINUTE,
		       "%x: and where something waits it may be what it waits for", rows[i].what);
	}
}

/* So long after a pass that held readers for so long something changes, or is found. */
static void test_rests(void)
{
	static const struct {
		const char *name;
		int64_t held_us, after_ms;
		int64_t changed_ms, found_ms; /* the next pass comes in */
	} rows[] = {
		{ "a pass that took no time", 0, 0, 200, 0 },
		{ "one that took a moment", 19900, 0, 200, 199 },
		{ "one that took a second", 1 * SECOND * 1000, 0, 10 * SECOND, 10 * SECOND },
		{ "the same, a while ago", 1 * SECOND * 1000, 7 * SECOND, 3 * SECOND, 3 * SECOND },
		{ "the same, long ago", 1 * SECOND * 1000, 11 * SECOND, 200, 0 },
		{ "one that took a minute", MINUTE * 1000, 0, 5 * MINUTE, 5 * MINUTE },
	};
	const struct verify_result faults = { .outcome = VERIFY_STEPPED, .faults = 1 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int is_found = 0; is_found < 2; is_found++) {
			unsigned sets;

			settle(INT64_MAX, 0);
			fire(mending);
			held_us = rows[i].held_us;
			mended(owner, true);
			IS_INT(mending->ms, 5 * MINUTE, "%s: the next comes now and then",
			       rows[i].name);
			forward_ms += rows[i].after_ms;
			if (is_found)
				turned(owner, &faults);
			else
				change(PROJECTED_STORED);
			IS_INT(mending->ms, is_found ? rows[i].found_ms : rows[i].changed_ms,
			       "%s: what %s has one come", rows[i].name,
			       is_found ? "is found" : "changes");
			sets = mending->sets;
			forward_ms += 100;
			change(PROJECTED_STORED);
			IS_INT(mending->sets, sets, "%s: what changes next puts it off no further",
			       rows[i].name);
			forward_ms += 5 * MINUTE; /* away from this row */
		}

	settle(INT64_MAX, 0);
	fire(mending);
	held_us = 1 * SECOND * 1000;
	change(PROJECTED_STORED);
	mended(owner, true);
	IS_INT(mending->ms, 10 * SECOND, "what changed while it was under way waits as long");
}

static void test_stop(void)
{
	const struct verify_result faults = { .outcome = VERIFY_STEPPED, .faults = 1 };

	settle(INT64_MAX, 0);
	fire(mending);
	mended(owner, true);
	turned(owner, &(struct verify_result){ .outcome = VERIFY_IDLE, .wait_ms = 5 });
	next->ms = mending->ms = -1;
	verifier_stop(verifier);
	OK(env->is_stopping, "it stops");
	turned(owner, &faults);
	mended(owner, true);
	change(PROJECTED_ALL);
	verifier_wake(verifier);
	verifier_drain(verifier);
	OK(next->ms == -1 && mending->ms == -1, "and nothing is begun any more");
}

int main(void)
{
	const struct verify_options options = { .every_ms = INT64_MAX };

	MUST(verifier_open(&options, NULL, NULL, NULL, &verifier, &err));
	test_start();
	test_duties();
	test_pauses();
	test_woken();
	test_told();
	test_mending();
	test_heard();
	test_rests();
	test_stop();
	verifier_free(verifier);
	return tap_end();
}
