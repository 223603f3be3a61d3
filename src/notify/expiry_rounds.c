#include "notify/expiry_rounds.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "chores/notices_expired.h"
#include "event/loop.h"
#include "ledger/ledger.h"
#include "retention/retention.h"

#include <stdlib.h>
#include <string.h>

#define PAGE          100
#define CLASSES_MAX   64 /* looked at in one read, so that a reader has its turn for others */
#define EACH_MOST_MS  (60 * 1000)
#define EACH_LEAST_MS 100
#define WRITE_EACH_MS (10 * 60 * 1000)
#define EACH_PART     10 /* of what is kept for the shortest time */
#define RULES_TEXT    4096

struct expiry_rounds {
	struct expiry_rounds_env env;
	struct timer timer;
	struct ledger_job job;
	struct notify_state state;
	const struct retention_rules *rules; /* of this round */
	int64_t now_ms;                      /* of this round */
	int64_t written_at_ms;               /* wall clock */
	struct expiry_class class;
	bool has_class; /* it is being looked at, from `after` on */
	bool is_over;   /* all classes were */
	bool is_stopped;
	struct expiry after;
	struct expiry page[PAGE];
	size_t count, noted;
};

static void read_page(struct expiry_rounds *rounds);

/* ---- how far it is ---- */

static void add_rule(struct buf *text, const struct retention_rule *rule)
{
	buf_add_text(text, rule->account_sid);
	for (int way = 0; way < RETENTION_WAYS; way++)
		buf_addf(text, " %lld", (long long)rule->ms[way]);
	buf_add_byte(text, '\n');
}

static void name_rules(const struct retention_rules *rules, char out[SHA256_HEX])
{
	uint8_t digest[SHA256_BYTES];
	char array[RULES_TEXT];
	struct buf text, hex;

	buf_over(&text, array, sizeof(array));
	add_rule(&text, &rules->general);
	for (size_t i = 0; i < rules->count; i++)
		add_rule(&text, &rules->accounts[i]);
	sha256_of(buf_str(&text), digest);
	buf_over(&hex, out, SHA256_HEX);
	hex_add(&hex, digest, sizeof(digest));
}

/* By other rules, or where the clock was ahead, all are looked at again: some that were passed may not have been told. */
static void begin_state(struct notify_state *state, const struct retention_rules *rules,
			int64_t now_ms)
{
	char name[SHA256_HEX];

	name_rules(rules, name);
	if (state->since_ms == 0)
		*state = (struct notify_state){ .since_ms = now_ms, .expired_until_ms = now_ms };
	else if (strcmp(state->rules, name) != 0 || state->expired_until_ms > now_ms)
		state->expired_until_ms = state->since_ms;
	memcpy(state->rules, name, SHA256_HEX);
}

/* ---- a round ---- */

static void begin_round(struct timer *timer)
{
	struct expiry_rounds *rounds = container_of(timer, struct expiry_rounds, timer);

	if (!ledger_has_duties(rounds->env.ledger)) {
		timer_start(rounds->env.loop, timer, LEDGER_DUTY_LOOK_MS, begin_round);
		return;
	}
	rounds->rules = retention_now(rounds->env.retention);
	rounds->now_ms = clock_wall_ms();
	begin_state(&rounds->state, rounds->rules, rounds->now_ms);
	rounds->class = (struct expiry_class){ .direction = -1, .upstream_copy = -1 };
	rounds->has_class = rounds->is_over = false;
	rounds->noted = 0;
	read_page(rounds);
}

static void plan_round(struct expiry_rounds *rounds)
{
	const struct retention_rules *rules = retention_now(rounds->env.retention);
	int64_t wait_ms = retention_shortest_ms(rules) / EACH_PART;

	if (wait_ms > EACH_MOST_MS)
		wait_ms = EACH_MOST_MS;
	if (wait_ms < EACH_LEAST_MS)
		wait_ms = EACH_LEAST_MS;
	timer_start(rounds->env.loop, &rounds->timer, wait_ms, begin_round);
}

/* After what was asked of the ledger: false where the round does not go on, which is seen to. */
static bool goes_on(struct expiry_rounds *rounds)
{
	if (rounds->is_stopped)
		return false;
	if (rounds->job.succeeded)
		return true;
	log_warn(NULL, "cannot find out what has expired, to tell notify_url: %s",
		 rounds->job.err.text);
	timer_start(rounds->env.loop, &rounds->timer, EACH_MOST_MS, begin_round);
	return false;
}

/* All that had expired by now_ms is known. */
static void end_round(struct expiry_rounds *rounds)
{
	rounds->state.expired_until_ms = rounds->now_ms;
	plan_round(rounds);
}

/* ---- writing ---- */

static bool run_note(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct expiry_rounds *rounds = container_of(job, struct expiry_rounds, job);
	struct notify_state state = rounds->state;
	bool is_new;

	for (size_t i = 0; i < rounds->count; i++)
		if (!expiries_note(catalog, rounds->page[i].recording_id, &is_new, err))
			return false;
	if (!rounds->is_over)
		return true;
	state.expired_until_ms = rounds->now_ms;
	return notify_state_set(catalog, &state, err);
}

static void noted(struct ledger_job *job)
{
	struct expiry_rounds *rounds = container_of(job, struct expiry_rounds, job);

	if (!goes_on(rounds))
		return;
	if (rounds->count > 0)
		rounds->env.noted(rounds->env.owner);
	if (rounds->is_over) {
		rounds->written_at_ms = rounds->now_ms;
		end_round(rounds);
	} else {
		read_page(rounds);
	}
}

/* ---- reading ---- */

/* The range of a class: false where nothing of it expires. */
static bool enter_class(struct expiry_rounds *rounds)
{
	const struct expiry_class *class = &rounds->class;
	int64_t kept_ms = retention_ms(rounds->rules, class->account_sid,
				       (enum retention_way) class->direction);

	rounds->after = (struct expiry){
		.started_at_ms = retention_edge_ms(rounds->state.expired_until_ms, kept_ms),
	};
	return retention_edge_ms(rounds->now_ms, kept_ms) > rounds->after.started_at_ms;
}

static bool list_class(struct expiry_rounds *rounds, struct catalog *catalog, struct err *err)
{
	const struct expiry_class *class = &rounds->class;
	int64_t kept_ms = retention_ms(rounds->rules, class->account_sid,
				       (enum retention_way) class->direction);

	if (!expiries_list(catalog, class, &rounds->after,
			   retention_edge_ms(rounds->now_ms, kept_ms), rounds->page, PAGE,
			   &rounds->count, err))
		return false;
	rounds->has_class = rounds->count == PAGE;
	if (rounds->count > 0)
		rounds->after = rounds->page[rounds->count - 1];
	return true;
}

static bool run_read(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct expiry_rounds *rounds = container_of(job, struct expiry_rounds, job);

	rounds->count = 0;
	for (int i = 0; i < CLASSES_MAX && rounds->count == 0; i++) {
		bool is_found = true;

		if (!rounds->has_class &&
		    !expiry_class_next(catalog, &rounds->class, &is_found, err))
			return false;
		rounds->is_over = !is_found;
		if (!is_found)
			return true;
		if ((rounds->has_class || enter_class(rounds)) && !list_class(rounds, catalog, err))
			return false;
	}
	return true;
}

/* Where nothing has expired, how far it is is written once in a while, so that a start does not look at months again. */
static void was_read(struct ledger_job *job)
{
	struct expiry_rounds *rounds = container_of(job, struct expiry_rounds, job);

	if (!goes_on(rounds))
		return;
	rounds->noted += rounds->count;
	if (rounds->count == 0 && !rounds->is_over) {
		read_page(rounds);
		return;
	}
	if (rounds->is_over && rounds->noted == 0 &&
	    rounds->now_ms - rounds->written_at_ms < WRITE_EACH_MS) {
		end_round(rounds);
		return;
	}
	rounds->job =
		(struct ledger_job){ .run = run_note, .done = noted, .reply = rounds->env.mailbox };
	ledger_write(rounds->env.ledger, &rounds->job);
}

static void read_page(struct expiry_rounds *rounds)
{
	rounds->job = (struct ledger_job){ .run = run_read,
					   .done = was_read,
					   .reply = rounds->env.mailbox };
	ledger_read(rounds->env.ledger, &rounds->job);
}

/* ---- life cycle ---- */

struct opening {
	struct ledger_job job;
	struct notify_state state;
};

static bool run_set(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	return notify_state_set(catalog, &container_of(job, struct opening, job)->state, err);
}

bool expiry_rounds_forget(struct ledger *ledger, struct err *err)
{
	struct opening opening = { .job.run = run_set };

	if (!notify_state_find(ledger_catalog(ledger), &opening.state, err))
		return false;
	if (opening.state.since_ms == 0)
		return true;
	opening.state.since_ms = 0;
	return ledger_write_now(ledger, &opening.job, err);
}

bool expiry_rounds_open(const struct expiry_rounds_env *env, struct expiry_rounds **out,
			struct err *err)
{
	struct opening opening = { .job.run = run_set };
	struct expiry_rounds *rounds;

	if (!notify_state_find(ledger_catalog(env->ledger), &opening.state, err))
		return false;
	if (opening.state.since_ms == 0) {
		begin_state(&opening.state, retention_now(env->retention), clock_wall_ms());
		if (!ledger_write_now(env->ledger, &opening.job, err))
			return false;
	}
	rounds = xcalloc(1, sizeof(*rounds));
	rounds->env = *env;
	rounds->state = opening.state;
	*out = rounds;
	return true;
}

void expiry_rounds_start(struct expiry_rounds *rounds)
{
	timer_start(rounds->env.loop, &rounds->timer, 0, begin_round);
}

void expiry_rounds_stop(struct expiry_rounds *rounds)
{
	rounds->is_stopped = true;
}

void expiry_rounds_free(struct expiry_rounds *rounds)
{
	if (!rounds)
		return;
	timer_stop(&rounds->timer);
	free(rounds);
}
