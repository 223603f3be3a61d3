#include "web/web_health.h"

#include "api/web.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/events.h"
#include "flights/fetcher.h"
#include "http/exchange.h"
#include "web/health.h"

#include <stdlib.h>

struct health_read {
	struct web_read read;
	bool is_full; /* with causes and counts */
};

bool web_health_read(struct catalog *catalog, struct blob_store *store,
		     const struct accounts *accounts, struct health_facts *facts, struct err *err)
{
	struct err disk_err;

	if (!catalog_counts(catalog, &facts->counts, err) ||
	    !completeness_read(catalog, accounts, &facts->completeness, err) ||
	    !events_last_webhook_at(catalog, &facts->last_webhook_at_ms, err))
		return false;
	facts->store_answers = blob_free_bytes(store, &facts->free_bytes, &disk_err);
	facts->now_ms = clock_wall_ms();
	return true;
}

static bool make_health(struct web_read *read, struct catalog *catalog, struct json *json,
			struct err *err)
{
	const struct health_read *health = container_of(read, struct health_read, read);
	const struct web *web = read->web;
	struct health_facts facts = {
		.started_at_ms = web->started_at_ms,
		.min_free_bytes = web->options.min_free_bytes,
		.reserve = reserve_state(web->reserve),
		.reconciles = fetcher_reconciles(web->fetcher),
	};

	webhook_counters_sum(&web->webhooks, &facts.webhooks);
	fetcher_read_upstream(web->fetcher, &facts.upstream);
	if (!web_health_read(catalog, web->store, web->accounts, &facts, err))
		return false;
	health_write(&facts, health->is_full, json);
	return true;
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
