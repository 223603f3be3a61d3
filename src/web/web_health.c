#include "web/web_health.h"

#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/recordings.h"
#include "http/exchange.h"
#include "web/web.h"
#include "web/web_read.h"

#include <stdlib.h>

#define OLD_QUEUE_MS (15 * 60 * 1000) /* a recording that waits longer is worth a look */

struct health_read {
	struct web_read read;
	bool is_full; /* with causes and counts */
};

/* What may be wrong, each with the sentence that says so. */
struct findings {
	const char *causes[5];
	unsigned count;
};

static void find(struct findings *findings, bool holds, const char *text)
{
	if (holds)
		findings->causes[findings->count++] = text;
}

static struct findings judge(const struct catalog_counts *counts, bool store_answers)
{
	int64_t oldest_ms = counts->oldest_queued_at_ms;
	struct findings findings = { .count = 0 };

	find(&findings, counts->recordings[RECORDING_DEAD] > 0,
	     "There are dead letters: recordings that were given up.");
	find(&findings, oldest_ms != 0 && clock_wall_ms() - oldest_ms > OLD_QUEUE_MS,
	     "A recording waits to be fetched for over 15 minutes.");
	find(&findings, !store_answers, "The store does not answer.");
	return findings;
}

static void add_details(struct json *json, const struct findings *findings,
			const struct catalog_counts *counts)
{
	json_open(json, "causes", '[');
	for (unsigned i = 0; i < findings->count; i++)
		json_text(json, NULL, str_of(findings->causes[i]));
	json_close(json, ']');
	json_open(json, "recordings", '{');
	for (int state = 0; state < RECORDING_STATES; state++)
		json_int(json, recording_state_text((enum recording_state)state),
			 counts->recordings[state]);
	json_close(json, '}');
	json_int(json, "calls", counts->calls);
	json_int(json, "bytes_stored", counts->bytes_stored);
	json_date(json, "oldest_queued_at", counts->oldest_queued_at_ms);
	json_int(json, "events_waiting", counts->events_waiting);
}

static void add_webhooks(struct json *json, const struct webhook_counts *counts)
{
	json_open(json, "webhooks", '{');
	json_int(json, "taken", counts->taken);
	json_date(json, "last_taken_at", counts->last_taken_at_ms);
	json_open(json, "refused", '{');
	for (int refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++)
		json_int(json, webhook_refusal_name((enum webhook_refusal)refusal),
			 counts->refused[refusal]);
	json_close(json, '}');
	json_date(json, "last_refused_at", counts->last_refused_at_ms);
	json_text(json, "last_refused_from",
		  counts->last_client[0] ? str_of(counts->last_client) : STR_NONE);
	json_close(json, '}');
}

bool web_health_write(struct catalog *catalog, struct blob_store *store,
		      const struct web_health_wish *wish, struct json *json, struct err *err)
{
	struct catalog_counts counts;
	struct findings findings;
	uint64_t free_bytes = 0;
	struct err disk_err;
	bool store_answers;

	if (!catalog_counts(catalog, &counts, err))
		return false;
	store_answers = blob_free_bytes(store, &free_bytes, &disk_err);
	findings = judge(&counts, store_answers);
	find(&findings, store_answers && free_bytes < wish->min_free_bytes,
	     "The disk has less room than min_free: nothing more is fetched.");
	find(&findings, wish->reserve == RESERVE_SPENT,
	     "The disk was full: webhooks use the room that is kept for them.");
	find(&findings, wish->reserve == RESERVE_EXHAUSTED,
	     "The disk is full, and so is what was kept for webhooks: they are answered 503.");

	json_open(json, NULL, '{');
	json_text(json, "status", wish->started_at_ms != 0 ? STR("ok") : STR("stopped"));
	json_bool(json, "degraded", findings.count > 0);
	json_text(json, "version", STR(CALLSPOOL_VERSION));
	if (wish->is_full) {
		json_date(json, "started_at", wish->started_at_ms);
		json_int(json, "free_bytes", (int64_t)free_bytes);
		add_details(json, &findings, &counts);
		if (wish->webhooks)
			add_webhooks(json, wish->webhooks);
	}
	json_close(json, '}');
	return true;
}

static bool make_health(struct web_read *read, struct catalog *catalog, struct json *json,
			struct err *err)
{
	const struct health_read *health = container_of(read, struct health_read, read);
	struct webhook_counts webhooks;
	struct web_health_wish wish = {
		.started_at_ms = read->web->started_at_ms,
		.min_free_bytes = read->web->options.min_free_bytes,
		.reserve = reserve_state(read->web->reserve),
		.webhooks = &webhooks,
		.is_full = health->is_full,
	};

	webhook_counters_sum(&read->web->webhooks, &webhooks);
	return web_health_write(catalog, read->web->store, &wish, json, err);
}

static void start(struct exchange *x, bool is_full)
{
	struct health_read *health = xcalloc(1, sizeof(*health));

	health->is_full = is_full;
	health->read.make = make_health;
	health->read.not_found = WEB_INTERNAL;
	web_read_start(&health->read, x);
}

void web_health(struct exchange *x)
{
	start(x, false);
}

void web_status(struct exchange *x)
{
	start(x, true);
}
