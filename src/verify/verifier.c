#include "verify/verifier.h"

#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/workers.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"
#include "verify/mender.h"
#include "verify/verify_env.h"
#include "verify/verify_turn.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#define NICENESS 19          /* as a sweep's (keeping/sweep.c) */
#define AGAIN_MS (30 * 1000) /* after it was held up */
#define MEND_MS \
	(5 * 60 * 1000) /* what is being mended is looked at so often, and when something changes */
#define SETTLE_MS 200   /* ... and then no more often */
/*
 * ... nor sooner than so many times as long as the last pass held readers, for each looks at all that is being mended: as
 * recordings come back one by one it would hold a reader all the time.
 */
#define REST_TIMES    10
#define READ_AGAIN_MS (60 * 1000)
#define GAP_MOST      1000 /* between two steps of a pass by itself */
#define GAP_SHARE     1000 /* ... and that part of its time at most */

struct verifier {
	struct verify_env env;
	struct ledger_listener listener;
	struct verify_turn *turn;
	struct mender *mender;
	bool is_turning, is_mending;
	bool is_woken;   /* while it turned */
	bool mend_again; /* while it mended */
	bool waits;      /* something is being mended */
	bool is_told;    /* that it is held up */
	struct timer next, mend;
	int64_t rests_until_ms; /* after a pass of the mender; monotonic */
	pthread_t thread;
	bool is_running;
};

void verify_be_nice(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
}

/* ---- turns ---- */

static void turn(struct timer *timer);

static void turn_in(struct verifier *verifier, int64_t wait_ms)
{
	if (verifier->is_woken)
		wait_ms = 0;
	timer_start(verifier->env.loop, &verifier->next, wait_ms, turn);
}

static void turn(struct timer *timer)
{
	struct verifier *verifier = container_of(timer, struct verifier, next);

	verifier->is_woken = false;
	if (!ledger_has_duties(verifier->env.ledger)) {
		turn_in(verifier, LEDGER_DUTY_LOOK_MS);
		return;
	}
	verifier->is_turning = true;
	verify_turn_start(verifier->turn);
}

static void mend(struct timer *timer);

static void mend_in(struct verifier *verifier, int64_t wait_ms)
{
	int64_t now_ms = loop_now_ms(verifier->env.loop);

	if (wait_ms < verifier->rests_until_ms - now_ms)
		wait_ms = verifier->rests_until_ms - now_ms;
	if (verifier->is_mending)
		verifier->mend_again = true;
	/* Never put off: where something changes all the time it would never be. */
	else if (!timer_is_on(&verifier->mend) || now_ms + wait_ms < verifier->mend.at_ms)
		timer_start(verifier->env.loop, &verifier->mend, wait_ms, mend);
}

/* What was read is to have taken so long as verify_rate says. */
static int64_t pause_ms(const struct verifier *verifier, const struct verify_result *result)
{
	const struct verify_options *options = &verifier->env.options;
	int64_t least_ms = 0, gap_ms = 0;

	if (options->rate_bytes > 0)
		least_ms = (int64_t)(result->read * 1000 / options->rate_bytes) - result->took_ms;
	if (result->pass == VERIFICATION_BY_ITSELF)
		gap_ms = options->every_ms / GAP_SHARE < GAP_MOST ? options->every_ms / GAP_SHARE
								  : GAP_MOST;
	return least_ms > gap_ms ? least_ms : gap_ms;
}

static void turned(void *owner, const struct verify_result *result)
{
	struct verifier *verifier = owner;

	verifier->is_turning = false;
	if (verifier->env.is_stopping)
		return;
	if (result->faults > 0)
		mend_in(verifier, 0);
	switch (result->outcome) {
	case VERIFY_IDLE:
		turn_in(verifier, result->wait_ms);
		break;
	case VERIFY_STEPPED:
		verifier->is_told = false;
		turn_in(verifier, pause_ms(verifier, result));
		break;
	case VERIFY_HELD_UP:
		if (!verifier->is_told)
			log_warn(NULL, "comparing the store with the ledger has to wait: %s",
				 result->err.text);
		verifier->is_told = true;
		turn_in(verifier, AGAIN_MS);
		break;
	}
}

/* ---- mending ---- */

static void mend(struct timer *timer)
{
	struct verifier *verifier = container_of(timer, struct verifier, mend);

	if (!ledger_has_duties(verifier->env.ledger)) {
		timer_start(verifier->env.loop, timer, LEDGER_DUTY_LOOK_MS, mend);
		return;
	}
	verifier->is_mending = true;
	verifier->mend_again = false;
	mender_start(verifier->mender);
}

static int64_t rest_ms(const struct verifier *verifier)
{
	int64_t ms = mender_held_us(verifier->mender) * REST_TIMES / 1000;

	return ms < MEND_MS ? ms : MEND_MS;
}

static void mended(void *owner, bool waits)
{
	struct verifier *verifier = owner;

	verifier->is_mending = false;
	verifier->waits = waits;
	verifier->rests_until_ms = loop_now_ms(verifier->env.loop) + rest_ms(verifier);
	if (!verifier->env.is_stopping)
		mend_in(verifier, verifier->mend_again ? SETTLE_MS : MEND_MS);
}

static void ledger_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct verifier *verifier = container_of(listener, struct verifier, listener);

	if (!verifier->env.is_stopping && (verifier->waits || verifier->is_mending) &&
	    (change->what &
	     (PROJECTED_RECORDING | PROJECTED_STORED | PROJECTED_REMOVED | PROJECTED_ALL)) != 0)
		mend_in(verifier, SETTLE_MS);
}

/* ---- from other threads ---- */

struct waking {
	struct mail mail;
	struct verifier *verifier;
	bool changes;
	struct verify_options options;
};

static void wake(struct mail *mail)
{
	AUTO(free) struct waking *waking = container_of(mail, struct waking, mail);
	struct verifier *verifier = waking->verifier;

	if (waking->changes)
		verifier->env.options = waking->options;
	verifier->is_woken = true;
	if (!verifier->is_turning && verifier->is_running && !verifier->env.is_stopping)
		turn_in(verifier, 0);
}

static void post(struct verifier *verifier, const struct verify_options *options)
{
	struct waking *waking = xcalloc(1, sizeof(*waking));

	waking->mail.deliver = wake;
	waking->verifier = verifier;
	waking->changes = options != NULL;
	if (options)
		waking->options = *options;
	mailbox_post(verifier->env.mailbox, &waking->mail);
}

void verifier_wake(struct verifier *verifier)
{
	post(verifier, NULL);
}

void verifier_change(struct verifier *verifier, const struct verify_options *options)
{
	post(verifier, options);
}

/* ---- life cycle ---- */

bool verifier_open(const struct verify_options *options, struct ledger *ledger,
		   struct blob_store *store, struct vouched_clock *clock, struct verifier **out,
		   struct err *err)
{
	AUTO(verifier_free) struct verifier *verifier = xcalloc(1, sizeof(*verifier));
	struct verify_env *env = &verifier->env;

	env->options = *options;
	env->read_again_ms = READ_AGAIN_MS;
	env->ledger = ledger;
	env->store = store;
	env->clock = clock;
	if (!loop_new(&env->loop, err) || !mailbox_open(env->loop, &env->mailbox, err) ||
	    !workers_start("verify-worker", 1, &env->workers, err))
		return false;
	verifier->turn = verify_turn_new(env, verifier, turned);
	verifier->mender = mender_new(env, verifier, mended);
	verifier->listener =
		(struct ledger_listener){ .mailbox = env->mailbox, .changed = ledger_changed };
	ledger_listen(ledger, &verifier->listener);
	*out = TAKE(verifier);
	return true;
}

static void *run_verifier(void *argument)
{
	struct verifier *verifier = argument;

	loop_run(verifier->env.loop);
	return NULL;
}

bool verifier_start(struct verifier *verifier, struct err *err)
{
	int failed;

	verifier->is_running = true;
	turn_in(verifier, 0);
	mend_in(verifier, 0);
	failed = pthread_create(&verifier->thread, NULL, run_verifier, verifier);
	if (failed) {
		verifier->is_running = false;
		return err_set(err, ERR_INTERNAL, "cannot start the verifying thread (error %d)",
			       failed);
	}
	pthread_setname_np(verifier->thread, "verifier");
	return true;
}

struct mailbox *verifier_mailbox(const struct verifier *verifier)
{
	return verifier->env.mailbox;
}

void verifier_stop(struct verifier *verifier)
{
	verifier->env.is_stopping = true;
	if (verifier->is_running) {
		loop_stop(verifier->env.loop);
		pthread_join(verifier->thread, NULL);
	}
	verifier->is_running = false;
	if (verifier->mender)
		mender_abandon(verifier->mender);
	workers_stop(TAKE(verifier->env.workers));
}

void verifier_drain(struct verifier *verifier)
{
	mailbox_drain(verifier->env.mailbox);
}

void verifier_free(struct verifier *verifier)
{
	if (!verifier)
		return;
	verifier_stop(verifier);
	mailbox_free(verifier->env.mailbox);
	timer_stop(&verifier->next);
	timer_stop(&verifier->mend);
	verify_turn_free(verifier->turn);
	mender_free(verifier->mender);
	loop_free(verifier->env.loop);
	free(verifier);
}
