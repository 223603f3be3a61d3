#include "auth/last_seen.h"

#include "accounts/credentials.h"
#include "auth/known.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define TELL_MS       (60 * 1000)  /* from one look to the next, at most */
#define APART_MS      (300 * 1000) /* a sight is worth a row only so often, at most */
#define LEAST_MS      1000         /* sights are of a second */
#define BATCH_MAX     256          /* told at once */
#define BATCHES       (KNOWN_PLACES / (BATCH_MAX / 2)) /* more than a full table takes */
#define PARTS_OF_IDLE 12 /* three of them, see last_seen_lag_ms(), are a quarter */

/* A batch of sights on its way to the ledger. */
struct batch {
	struct ledger_job job;
	bool is_under_way;
	size_t count;
	struct {
		int64_t id;
		uint32_t seen_s;
	} at[BATCH_MAX];
};

struct last_seen {
	struct ledger *ledger;
	const struct known_table *table;
	struct loop *loop;
	struct mailbox *mailbox;
	struct timer timer;
	int64_t tell_ms, batch_ms; /* from one look to the next, and from one batch of a round */
	uint32_t apart_s;
	/* The sights since since_s are told; from which place on, 0: in a new round, which began then. */
	uint32_t since_s, round_s;
	unsigned from;
	struct batch batch;
};

static bool run_seen(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct batch *batch = container_of(job, struct batch, job);

	for (size_t i = 0; i < batch->count; i++)
		if (!credentials_seen(catalog, batch->at[i].id, (int64_t)batch->at[i].seen_s * 1000,
				      err))
			return false;
	return true;
}

static void seen_written(struct ledger_job *job)
{
	struct batch *batch = container_of(job, struct batch, job);

	if (!job->succeeded)
		log_debug(NULL, "cannot write who was seen: %s", job->err.text);
	batch->is_under_way = false;
}

struct visitor {
	struct known_visitor visitor;
	struct batch *batch;
};

static void add(struct known_visitor *visitor, const struct known *entry)
{
	struct batch *batch = container_of(visitor, struct visitor, visitor)->batch;

	if (entry->kind != CREDENTIAL_SESSION && entry->kind != CREDENTIAL_TOKEN)
		return;
	batch->at[batch->count].id = (int64_t)entry->credential_id;
	batch->at[batch->count++].seen_s = entry->seen_s;
}

static void tell_batch(struct last_seen *seen)
{
	struct batch *batch = &seen->batch;
	struct visitor visitor = { .visitor = { .visit = add }, .batch = batch };
	uint32_t now_s = (uint32_t)(loop_wall_ms(seen->loop) / 1000);

	/* A clock that was set back: what is seen from now on is seen before since_s, and would not be told. */
	if (now_s < seen->since_s)
		seen->since_s = now_s;
	if (batch->is_under_way || (seen->from == 0 && now_s < seen->since_s + seen->apart_s))
		return;
	if (seen->from == 0)
		seen->round_s = now_s;
	batch->count = 0;
	seen->from = known_each_seen(seen->table, seen->since_s, seen->from, BATCH_MAX,
				     &visitor.visitor);
	/* Who is seen later in the second of that look is told once more. */
	if (seen->from == 0)
		seen->since_s = seen->round_s - 1;
	if (batch->count == 0)
		return;
	batch->is_under_way = true;
	batch->job = (struct ledger_job){ .run = run_seen,
					  .done = seen_written,
					  .reply = seen->mailbox };
	ledger_write(seen->ledger, &batch->job);
}

static void tell(struct timer *timer)
{
	struct last_seen *seen = container_of(timer, struct last_seen, timer);

	tell_batch(seen);
	timer_start(seen->loop, timer, seen->from == 0 ? seen->tell_ms : seen->batch_ms, tell);
}

/* From one round to the next, and for all batches of one. */
static int64_t part_ms(int64_t idle_ms)
{
	int64_t ms = idle_ms / PARTS_OF_IDLE;

	if (ms < LEAST_MS)
		return LEAST_MS;
	return ms < APART_MS ? ms : APART_MS;
}

static int64_t look_ms(int64_t idle_ms)
{
	return part_ms(idle_ms) < TELL_MS ? part_ms(idle_ms) : TELL_MS;
}

int64_t last_seen_lag_ms(int64_t idle_ms)
{
	return part_ms(idle_ms) + look_ms(idle_ms) + part_ms(idle_ms);
}

struct last_seen *last_seen_new(struct ledger *ledger, const struct known_table *table,
				struct loop *loop, struct mailbox *mailbox, int64_t idle_ms)
{
	struct last_seen *seen = xcalloc(1, sizeof(*seen));

	seen->ledger = ledger;
	seen->table = table;
	seen->loop = loop;
	seen->mailbox = mailbox;
	seen->since_s = (uint32_t)(clock_wall_ms() / 1000) - 1;
	seen->apart_s = (uint32_t)(part_ms(idle_ms) / 1000);
	seen->batch_ms = part_ms(idle_ms) / BATCHES;
	seen->tell_ms = look_ms(idle_ms);
	timer_start(loop, &seen->timer, seen->tell_ms, tell);
	return seen;
}

void last_seen_free(struct last_seen *seen)
{
	if (!seen)
		return;
	timer_stop(&seen->timer);
	free(seen);
}
