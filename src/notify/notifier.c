/*
 * A turn of it:
 *
 *	woken (a change, a wait that is over, a slot that is free)
 *	  -> claim (a reader): what is due, as much as there is room for
 *	  -> send each (delivery.h), in a slot of its own
 *	  -> what came of it (the writer): the row goes, or waits, or is given up
 *
 * A slot:  FREE -> SENDING -> WRITING -> FREE, or DONE while a claim is under way
 *
 * A claim may have been read before what came of a notice was written, and then holds it once more.  So a slot that ends
 * while a claim is under way keeps its notice until that has come back.
 */
#include "notify/notifier.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/retry_wait.h"
#include "chores/notices_expired.h"
#include "chores/notices_queue.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "fetch/fetch.h"
#include "fetch/fetch_target.h"
#include "ledger/ledger.h"
#include "notify/delivery.h"
#include "notify/expiry_rounds.h"
#include "notify/notice_message.h"
#include "notify/receiver.h"
#include "notify/signing.h"
#include "retention/retention.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_SIZE    (2 * RECEIVER_SLOTS) /* those in slots may be among them */
#define BATCH_MS      10                   /* after a change: others come with it */
#define LOOK_MOST_MS  (60 * 1000)          /* the wall clock may jump */
#define WRITE_WAIT_MS 5000                 /* what came of one could not be written */
#define TIDY_EACH_MS  (60 * 1000)
#define TIDY_MOST     1000
#define RETRY_MOST_MS (15 * 60 * 1000)
#define DUE_MOST_MS \
	(2 * RETRY_MOST_MS) /* what is due later was written by a clock that was ahead */

enum slot_state { SLOT_FREE, SLOT_SENDING, SLOT_WRITING, SLOT_DONE };

struct slot {
	struct notifier *notifier;
	enum slot_state state;
	struct delivery delivery;
	struct ledger_job job;
	struct notice_failure failure;
	bool waited; /* until this failure: nobody had given it up, or removed it */
};

/* What is done now and then. */
struct tidying {
	struct ledger_job job;
	struct timer timer;
	int64_t give_up_before_ms; /* 0: nothing is */
	size_t given_up, forgotten, brought_forward;
};

struct claim {
	struct ledger_job job;
	bool is_under_way;
	size_t size, count;
	int64_t now_ms, next_due_ms;
	struct notice notices[CLAIM_SIZE];
};

struct notifier {
	struct notify_options options;
	struct ledger *ledger;
	const struct retention *retention;
	struct vouched_clock *clock;
	struct expiry_rounds *expiries; /* NULL: a command */
	struct signing signing;
	struct fetch_target target;
	struct delivery_to to;
	struct loop *loop;
	struct mailbox *mailbox;
	struct ledger_listener listener;
	struct receiver receiver;
	struct slot slots[RECEIVER_SLOTS];
	struct claim claim;
	bool is_woken;         /* while a claim was under way */
	int64_t not_before_ms; /* monotonic: the ledger could not be written */
	struct timer look;
	struct tidying tidying;
	pthread_t thread;
	bool is_running;
	atomic_bool is_stopping;

	pthread_mutex_t mutex; /* guards what follows */
	struct notifier_facts facts;
};

static void look(struct notifier *notifier);

static uint64_t any_number(void)
{
	uint64_t number;

	random_bytes(&number, sizeof(number));
	return number;
}

/* ---- waking ---- */

static void look_is_due(struct timer *timer)
{
	look(container_of(timer, struct notifier, look));
}

static void look_in(struct notifier *notifier, int64_t wait_ms)
{
	int64_t now_ms = loop_now_ms(notifier->loop);

	if (now_ms + wait_ms < notifier->not_before_ms)
		wait_ms = notifier->not_before_ms - now_ms;
	if (timer_is_on(&notifier->look) && notifier->look.at_ms <= now_ms + wait_ms)
		return;
	timer_start(notifier->loop, &notifier->look, wait_ms, look_is_due);
}

/* Which process was told that the receiver is back is chance, and another one may be the one that sends. */
static void resume(struct notifier *notifier)
{
	receiver_resume(&notifier->receiver, loop_now_ms(notifier->loop));
	pthread_mutex_lock(&notifier->mutex);
	notifier->facts.is_gone = false;
	pthread_mutex_unlock(&notifier->mutex);
	look_in(notifier, 0);
}

static void ledger_changed(struct ledger_listener *listener, const struct projection_change *change,
			   int64_t sequence)
{
	struct notifier *notifier = container_of(listener, struct notifier, listener);

	if (notifier->is_stopping || !notifier->is_running)
		return;
	if (change->what & PROJECTED_NOTICES)
		resume(notifier);
	if (change->what &
	    (PROJECTED_RECORDING | PROJECTED_STORED | PROJECTED_REMOVED | PROJECTED_ALL))
		look_in(notifier, BATCH_MS);
}

/* ---- what others are told ---- */

static void note_facts(struct notifier *notifier, enum receiver_word word, const char *failure)
{
	const struct receiver *receiver = &notifier->receiver;
	struct notifier_facts *facts = &notifier->facts;

	pthread_mutex_lock(&notifier->mutex);
	facts->is_gone = receiver->is_gone;
	if (!receiver_is_ailing(receiver))
		facts->ailing_since_ms = 0;
	else if (facts->ailing_since_ms == 0)
		facts->ailing_since_ms = clock_wall_ms() -
					 (loop_now_ms(notifier->loop) - receiver->failing_since_ms);
	if (word == RECEIVER_TOOK)
		facts->taken++;
	else
		facts->failed++;
	snprintf(facts->failure, sizeof(facts->failure), "%s", failure);
	pthread_mutex_unlock(&notifier->mutex);
}

static void note_dead(struct notifier *notifier, size_t count)
{
	pthread_mutex_lock(&notifier->mutex);
	notifier->facts.died += count;
	pthread_mutex_unlock(&notifier->mutex);
}

/* A line where it begins and one where it ends, not one a try. */
static void log_change(const struct notifier *notifier, const struct receiver *before,
		       const char *failure)
{
	const struct receiver *now = &notifier->receiver;

	if (now->is_gone && !before->is_gone)
		log_warn(
			NULL,
			"notify_url: %s answered 410 (Gone): nothing is sent any more until a restart, or "
			"callspool retry --notify",
			notifier->target.host);
	else if (receiver_is_ailing(now) && !receiver_is_ailing(before))
		log_warn(NULL, "notify_url: %s does not take what it is told: %s",
			 notifier->target.host, failure);
	else if (!receiver_is_ailing(now) && receiver_is_ailing(before))
		log_info(NULL, "notify_url: %s takes what it is told again", notifier->target.host);
}

/* ---- what came of one ---- */

static void slot_free(struct slot *slot)
{
	slot->state = slot->notifier->claim.is_under_way ? SLOT_DONE : SLOT_FREE;
}

/* What came of a try. */
static void written(struct ledger_job *job)
{
	struct slot *slot = container_of(job, struct slot, job);
	struct notifier *notifier = slot->notifier;

	if (notifier->is_stopping)
		return;
	slot_free(slot);
	if (!job->succeeded) {
		log_warn(NULL, "what came of a webhook to notify_url cannot be written: %s",
			 job->err.text);
		notifier->not_before_ms = loop_now_ms(notifier->loop) + WRITE_WAIT_MS;
	}
	look_in(notifier, 0);
}

/* The minute's tidying may have given it up during the try, and has counted it then. */
static void failure_written(struct ledger_job *job)
{
	struct slot *slot = container_of(job, struct slot, job);
	const struct notice *notice = &slot->delivery.notice;

	if (job->succeeded && slot->waited && slot->failure.due_at_ms == 0) {
		log_warn(NULL, "recording %s: %s is told to nobody, and given up: %s",
			 notice->recording_sid, notice_type_text(notice->type),
			 slot->delivery.failure);
		note_dead(slot->notifier, 1);
	}
	written(job);
}

static void write_slot(struct slot *slot,
		       bool (*run)(struct ledger_job *, struct catalog *, struct err *),
		       void (*done)(struct ledger_job *))
{
	slot->state = SLOT_WRITING;
	slot->job =
		(struct ledger_job){ .run = run, .done = done, .reply = slot->notifier->mailbox };
	ledger_write(slot->notifier->ledger, &slot->job);
}

/* Stored late, or no longer held: its time was over before, and no round comes by it any more. */
static bool has_expired(const struct notifier *notifier, const struct notice *notice)
{
	struct kept kept = {
		.way = (enum retention_way)notice->direction,
		.is_held = notice->is_held,
		.started_at_ms = notice->started_at_ms,
	};

	memcpy(kept.account_sid, notice->account_sid, RETENTION_SID_SIZE);
	return (notice->type == NOTICE_STORED || notice->type == NOTICE_LOOK) &&
	       notice->is_stored && !notice->is_expired_told &&
	       retention_expires_at_ms(retention_now(notifier->retention), &kept) < clock_wall_ms();
}

static bool run_taken(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct slot *slot = container_of(job, struct slot, job);
	const struct notice *notice = &slot->delivery.notice;
	bool is_new;

	return notices_end(catalog, notice->seq, err) &&
	       (!has_expired(slot->notifier, notice) ||
		expiries_note(catalog, notice->recording_id, &is_new, err));
}

static bool run_failed(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct slot *slot = container_of(job, struct slot, job);

	return notices_failed(catalog, &slot->failure, &slot->waited, err);
}

/* A standstill between two tries does not count: at most a wait of the longest, and what the try itself took. */
static int64_t trying_ms(const struct notifier *notifier, const struct notice *notice,
			 int64_t wall_ms)
{
	int64_t most_ms = RETRY_MOST_MS + 2 * notifier->options.timeout_ms;
	int64_t since_ms = notice->tried_at_ms == 0 ? 0 : wall_ms - notice->tried_at_ms;

	if (since_ms < 0)
		since_ms = 0;
	return notice->trying_ms + (since_ms < most_ms ? since_ms : most_ms);
}

static void write_failed(struct slot *slot)
{
	struct notifier *notifier = slot->notifier;
	const struct notice *notice = &slot->delivery.notice;
	int64_t wall_ms = clock_wall_ms();

	slot->failure = (struct notice_failure){
		.seq = notice->seq,
		.at_ms = wall_ms,
		.trying_ms = trying_ms(notifier, notice, wall_ms),
		.http_status = slot->delivery.status,
		.failure = slot->delivery.failure,
	};
	if (slot->failure.trying_ms < notifier->options.give_up_after_ms) {
		slot->failure.due_at_ms = wall_ms + retry_wait_ms(notice->tries + 1,
								  notifier->options.retry_first_ms,
								  RETRY_MOST_MS, any_number());
	}
	write_slot(slot, run_failed, failure_written);
}

static void delivered(struct delivery *delivery)
{
	struct slot *slot = container_of(delivery, struct slot, delivery);
	struct notifier *notifier = slot->notifier;
	struct receiver before = notifier->receiver;
	enum receiver_word word = receiver_judge(delivery->status);

	receiver_told(&notifier->receiver, word, delivery->retry_after_ms,
		      notifier->options.retry_first_ms, loop_now_ms(notifier->loop), any_number());
	note_facts(notifier, word, delivery->failure);
	log_change(notifier, &before, delivery->failure);
	if (word == RECEIVER_TOOK)
		write_slot(slot, run_taken, written);
	else
		write_failed(slot);
}

/* ---- sending ---- */

static void send(struct slot *slot, const struct notice *notice)
{
	struct notifier *notifier = slot->notifier;
	struct err err;

	slot->delivery.notice = *notice;
	slot->state = SLOT_SENDING;
	if (notice_type_text(notice->type) == NULL) {
		write_slot(slot, run_taken, written);
		return;
	}
	if (delivery_start(&slot->delivery, &notifier->to, clock_wall_ms(), delivered, &err))
		return;
	snprintf(slot->delivery.failure, sizeof(slot->delivery.failure), "%.*s",
		 (int)sizeof(slot->delivery.failure) - 1, err.text);
	write_failed(slot);
}

static struct slot *slot_of(struct notifier *notifier, int64_t recording_id)
{
	for (size_t i = 0; i < RECEIVER_SLOTS; i++) {
		struct slot *slot = &notifier->slots[i];

		if (slot->state != SLOT_FREE && slot->delivery.notice.recording_id == recording_id)
			return slot;
	}
	return NULL;
}

static struct slot *free_slot(struct notifier *notifier)
{
	for (size_t i = 0; i < RECEIVER_SLOTS; i++)
		if (notifier->slots[i].state == SLOT_FREE)
			return &notifier->slots[i];
	return NULL;
}

static unsigned sending(const struct notifier *notifier)
{
	unsigned count = 0;

	for (size_t i = 0; i < RECEIVER_SLOTS; i++)
		count += notifier->slots[i].state == SLOT_SENDING;
	return count;
}

/* Two of one recording are never in slots at once. */
static void send_claimed(struct notifier *notifier)
{
	const struct claim *claim = &notifier->claim;
	unsigned room = receiver_room(&notifier->receiver, loop_now_ms(notifier->loop));

	for (size_t i = 0; i < claim->count; i++) {
		struct slot *slot = free_slot(notifier);

		if (!slot || sending(notifier) >= room)
			return;
		if (!slot_of(notifier, claim->notices[i].recording_id))
			send(slot, &claim->notices[i]);
	}
}

/* ---- claiming ---- */

static bool run_claim(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct claim *claim = container_of(job, struct claim, job);

	return notices_due(catalog, claim->now_ms, claim->notices, claim->size, &claim->count,
			   err) &&
	       notices_next_due(catalog, claim->now_ms, &claim->next_due_ms, err);
}

/* More than were claimed wait: a slot that is free looks again. */
static void plan_next(struct notifier *notifier)
{
	const struct claim *claim = &notifier->claim;
	int64_t wait_ms = LOOK_MOST_MS;

	if (claim->next_due_ms != 0 && claim->next_due_ms - claim->now_ms < wait_ms)
		wait_ms = claim->next_due_ms - claim->now_ms;
	look_in(notifier, notifier->is_woken ? 0 : wait_ms);
	notifier->is_woken = false;
}

static void claimed(struct ledger_job *job)
{
	struct notifier *notifier = container_of(job, struct notifier, claim.job);
	struct claim *claim = &notifier->claim;

	claim->is_under_way = false;
	if (notifier->is_stopping)
		return;
	if (!job->succeeded) {
		log_warn(NULL, "what is to be told to notify_url cannot be read: %s",
			 job->err.text);
		claim->count = 0;
		claim->next_due_ms = claim->now_ms + WRITE_WAIT_MS;
	}
	send_claimed(notifier);
	for (size_t i = 0; i < RECEIVER_SLOTS; i++)
		if (notifier->slots[i].state == SLOT_DONE)
			notifier->slots[i].state = SLOT_FREE;
	plan_next(notifier);
}

static void look(struct notifier *notifier)
{
	struct claim *claim = &notifier->claim;
	int64_t now_ms = loop_now_ms(notifier->loop);
	int64_t wait_ms = receiver_wait_ms(&notifier->receiver, now_ms);

	if (!ledger_has_duties(notifier->ledger)) {
		look_in(notifier, LEDGER_DUTY_LOOK_MS);
		return;
	}
	if (claim->is_under_way) {
		notifier->is_woken = true;
		return;
	}
	if (now_ms < notifier->not_before_ms) {
		look_in(notifier, 0);
		return;
	}
	if (wait_ms > 0)
		look_in(notifier, wait_ms);
	if (sending(notifier) >= receiver_room(&notifier->receiver, now_ms) || !free_slot(notifier))
		return; /* a slot that ends looks again, or somebody resumes */
	claim->is_under_way = true;
	claim->size = CLAIM_SIZE;
	claim->count = 0;
	claim->next_due_ms = 0;
	claim->now_ms = clock_wall_ms();
	claim->job = (struct ledger_job){ .run = run_claim,
					  .done = claimed,
					  .reply = notifier->mailbox };
	ledger_read(notifier->ledger, &claim->job);
}

/* ---- tidying ---- */

static bool forget_dead(struct tidying *tidying, struct catalog *catalog, struct err *err)
{
	struct vouched_clock *clock = container_of(tidying, struct notifier, tidying)->clock;
	struct err doubt;
	int64_t now_ms;

	tidying->forgotten = 0;
	return !clock->now(clock, &now_ms, &doubt) ||
	       notices_forget_dead(catalog, now_ms - NOTICE_DEAD_KEPT_MS, TIDY_MOST,
				   &tidying->forgotten, err);
}

static bool run_tidy(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct tidying *tidying = container_of(job, struct tidying, job);
	int64_t now_ms = clock_wall_ms();

	tidying->given_up = 0;
	return notices_bring_forward(catalog, now_ms + DUE_MOST_MS, now_ms, TIDY_MOST,
				     &tidying->brought_forward, err) &&
	       forget_dead(tidying, catalog, err) &&
	       (tidying->give_up_before_ms == 0 ||
		notices_give_up(catalog, tidying->give_up_before_ms, now_ms, TIDY_MOST,
				&tidying->given_up, err));
}

static void tidy(struct timer *timer);

static void tidied(struct ledger_job *job)
{
	struct notifier *notifier = container_of(job, struct notifier, tidying.job);
	struct tidying *tidying = &notifier->tidying;
	bool is_more = job->succeeded &&
		       (tidying->given_up == TIDY_MOST || tidying->forgotten == TIDY_MOST ||
			tidying->brought_forward == TIDY_MOST);

	if (notifier->is_stopping)
		return;
	if (job->succeeded && tidying->given_up > 0) {
		log_warn(NULL,
			 "%zu webhooks to notify_url are given up, for none was taken for so long",
			 tidying->given_up);
		note_dead(notifier, tidying->given_up);
	}
	if (job->succeeded && tidying->brought_forward > 0)
		look_in(notifier, 0);
	timer_start(notifier->loop, &tidying->timer, is_more ? WRITE_WAIT_MS : TIDY_EACH_MS, tidy);
}

/* Those that a receiver which is away never had a try of do not wait for ever. */
static void tidy(struct timer *timer)
{
	struct notifier *notifier = container_of(timer, struct notifier, tidying.timer);
	const struct receiver *receiver = &notifier->receiver;
	int64_t most_ms = notifier->options.give_up_after_ms;
	/* Who is gone is not tried, and what happens meanwhile waits until somebody says that it is back. */
	bool gives_up = !receiver->is_gone && receiver->failures > 0 && most_ms != INT64_MAX &&
			loop_now_ms(notifier->loop) - receiver->failing_since_ms >= most_ms;

	if (!ledger_has_duties(notifier->ledger)) {
		timer_start(notifier->loop, timer, TIDY_EACH_MS, tidy);
		return;
	}
	notifier->tidying.give_up_before_ms = gives_up ? clock_wall_ms() - most_ms : 0;
	notifier->tidying.job =
		(struct ledger_job){ .run = run_tidy, .done = tidied, .reply = notifier->mailbox };
	ledger_write(notifier->ledger, &notifier->tidying.job);
}

static void expiries_noted(void *owner)
{
	look_in(owner, BATCH_MS);
}

/* ---- from other threads ---- */

void notifier_read(struct notifier *notifier, struct notifier_facts *out)
{
	*out = (struct notifier_facts){ .is_on = false };
	if (!notifier)
		return;
	pthread_mutex_lock(&notifier->mutex);
	*out = notifier->facts;
	pthread_mutex_unlock(&notifier->mutex);
	out->is_on = true;
}

struct mailbox *notifier_mailbox(const struct notifier *notifier)
{
	return notifier->mailbox;
}

/* ---- life cycle ---- */

bool notify_options_check(const struct notify_options *options, struct err *err)
{
	__attribute__((cleanup(fetch_target_release_at))) struct fetch_target target = { 0 };
	__attribute__((cleanup(signing_wipe))) struct signing signing = { 0 };

	if (!options->url)
		return true;
	if (!fetch_target_read(options->url, false, &target, err))
		return err_context(err, "notify_url");
	if (!options->secret)
		return err_set(err, ERR_INVALID,
			       "notify_url needs a secret to sign with: set notify_secret_file");
	return signing_read(str_of(options->secret), &signing, err) ||
	       err_context(err, "notify_secret");
}

static bool open_parts(struct notifier *notifier, const struct notifier_parts *parts,
		       struct err *err)
{
	const char *hosts[] = { NULL, NULL };
	struct fetch_options options = {
		.ca_file = parts->ca_file,
		.allowed_hosts = hosts, /* whoever set it may name a neighbour */
		.stall_timeout_ms = notifier->options.timeout_ms,
		.connect_timeout_ms = notifier->options.timeout_ms,
		.max_transfers = RECEIVER_SLOTS,
	};

	if (!notify_options_check(parts->options, err) ||
	    !signing_read(str_of(parts->options->secret), &notifier->signing, err) ||
	    !fetch_target_read(parts->options->url, false, &notifier->target, err))
		return false;
	hosts[0] = notifier->target.host;
	if (!loop_new(&notifier->loop, err) ||
	    !mailbox_open(notifier->loop, &notifier->mailbox, err) ||
	    !fetch_new(notifier->loop, &options, &notifier->to.fetch, err))
		return false;
	notifier->to.url = notifier->target.url;
	notifier->to.public_url = parts->public_url;
	notifier->to.signing = &notifier->signing;
	notifier->to.timeout_ms = notifier->options.timeout_ms;
	return true;
}

static bool open_expiries(struct notifier *notifier, struct err *err)
{
	struct expiry_rounds_env env = {
		.loop = notifier->loop,
		.mailbox = notifier->mailbox,
		.ledger = notifier->ledger,
		.retention = notifier->retention,
		.noted = expiries_noted,
		.owner = notifier,
	};

	return expiry_rounds_open(&env, &notifier->expiries, err);
}

bool notifier_open(const struct notifier_parts *parts, struct notifier **out, struct err *err)
{
	AUTO(notifier_free) struct notifier *notifier = NULL;

	catalog_notify(ledger_catalog(parts->ledger), parts->options->url != NULL);
	*out = NULL;
	if (!parts->options->url)
		return parts->is_command || expiry_rounds_forget(parts->ledger, err);
	notifier = xcalloc(1, sizeof(*notifier));
	pthread_mutex_init(&notifier->mutex, NULL);
	notifier->options = *parts->options;
	notifier->ledger = parts->ledger;
	notifier->retention = parts->retention;
	notifier->clock = parts->clock;
	receiver_init(&notifier->receiver);
	for (size_t i = 0; i < RECEIVER_SLOTS; i++)
		notifier->slots[i].notifier = notifier;
	if (!open_parts(notifier, parts, err) ||
	    (!parts->is_command && !open_expiries(notifier, err)))
		return false;
	notifier->listener =
		(struct ledger_listener){ .mailbox = notifier->mailbox, .changed = ledger_changed };
	ledger_listen(parts->ledger, &notifier->listener);
	*out = TAKE(notifier);
	return true;
}

static void *run_notifier(void *argument)
{
	struct notifier *notifier = argument;

	loop_run(notifier->loop);
	return NULL;
}

bool notifier_start(struct notifier *notifier, struct err *err)
{
	int failed;

	if (!notifier)
		return true;
	look_in(notifier, 0);
	expiry_rounds_start(notifier->expiries);
	timer_start(notifier->loop, &notifier->tidying.timer, TIDY_EACH_MS, tidy);
	notifier->is_running = true;
	failed = pthread_create(&notifier->thread, NULL, run_notifier, notifier);
	if (failed) {
		notifier->is_running = false;
		return err_set(err, ERR_INTERNAL, "cannot start the notifying thread (error %d)",
			       failed);
	}
	pthread_setname_np(notifier->thread, "notifying");
	return true;
}

void notifier_stop(struct notifier *notifier)
{
	if (!notifier)
		return;
	notifier->is_stopping = true;
	if (notifier->is_running) {
		loop_stop(notifier->loop);
		pthread_join(notifier->thread, NULL);
	}
	notifier->is_running = false;
	if (notifier->expiries)
		expiry_rounds_stop(notifier->expiries);
}

void notifier_drain(struct notifier *notifier)
{
	if (notifier)
		mailbox_drain(notifier->mailbox);
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	notifier_stop(notifier);
	mailbox_free(notifier->mailbox);
	timer_stop(&notifier->look);
	timer_stop(&notifier->tidying.timer);
	expiry_rounds_free(notifier->expiries);
	fetch_free(notifier->to.fetch);
	loop_free(notifier->loop);
	fetch_target_release(&notifier->target);
	signing_wipe(&notifier->signing);
	pthread_mutex_destroy(&notifier->mutex);
	free(notifier);
}
