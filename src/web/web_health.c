#include "web/web_health.h"

#include "api/web.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/events.h"
#include "dispatch/fetcher.h"
#include "http/exchange.h"
#include "purge/purge.h"
#include "web/disk_trend.h"
#include "web/health.h"

#include <stdlib.h>

/* Those that are looked at for the last webhook, where none came since the start. */
#define LAST_EVENTS 200000
/* As long as a flight waits at most: it tries again. */
#define STORE_RECENT_MS (20 * 60 * 1000)

/* Who watches a server asks it every second or two, and takes silence for its end; what is shown to people may come a bit later. */
#define WORD_PATIENCE_MS    1000
#define DETAILS_PATIENCE_MS 3000

struct health_read {
	struct web_read read;
	enum health_detail detail;
};

bool web_health_read(struct catalog *catalog, struct blob_store *store,
		     const struct accounts *accounts, struct health_facts *facts, struct err *err)
{
	struct err disk_err;

	if (!catalog_counts(catalog, &facts->counts, err) ||
	    !completeness_read(catalog, accounts, &facts->completeness, err) ||
	    !store_faults_count(catalog, &facts->faults, err) ||
	    !upkeep_find(catalog, UPKEEP_PURGE_PAUSE, &facts->purge_pause, err) ||
	    !notices_count(catalog, &facts->notices, err))
		return false;
	for (enum verification_pass pass = 0; pass < VERIFICATION_PASSES; pass++)
		if (!verifications_find(catalog, pass, &facts->verified[pass], err))
			return false;
	facts->store_answers = blob_free_bytes(store, &facts->free_bytes, &disk_err);
	facts->now_ms = clock_wall_ms();
	return true;
}

static void take_plays(const struct web *web, struct health_facts *facts)
{
	struct web_sums sums = { .live_sockets = 0 };

	LIST_EACH (item, &web->locals)
		web_counts_add(&container_of(item, struct web_local, link)->counts, &sums);
	facts->plays_stored = sums.plays[PLAY_SOURCE_CACHE][PLAY_RESULT_PLAYED] +
			      sums.plays[PLAY_SOURCE_CACHE][PLAY_RESULT_REDIRECTED] +
			      sums.plays[PLAY_SOURCE_STORE][PLAY_RESULT_PLAYED] +
			      sums.plays[PLAY_SOURCE_STORE][PLAY_RESULT_REDIRECTED];
	facts->plays = facts->plays_stored + sums.plays[PLAY_SOURCE_FLIGHT][PLAY_RESULT_PLAYED];
}

static void take_trend(const struct web *web, struct health_facts *facts)
{
	int64_t left_ms;

	if (!facts->store_answers)
		return;
	left_ms = disk_trend_add(web->disk_trend, clock_monotonic_ms(), facts->free_bytes,
				 facts->min_free_bytes);
	if (left_ms != DISK_TREND_UNKNOWN)
		facts->disk_full_at_ms = facts->now_ms + left_ms;
}

void web_health_gather_without(const struct web *web, struct health_facts *out)
{
	struct err disk_err;

	*out = (struct health_facts){
		.started_at_ms = web->started_at_ms,
		.min_free_bytes = web->live.min_free_bytes,
		.public_url = web->options.public_url,
		.retention = retention_now(web->retention),
		.reserve = reserve_state(web->reserve),
		.reconciles = fetcher_reconciles(web->fetcher),
		.completeness.is_unknown = true,
	};
	webhook_counters_sum(&web->webhooks, &out->webhooks);
	fetcher_read_upstream(web->fetcher, &out->upstream);
	out->canary = web->canary;
	canary_read(web->canary, &out->examined);
	notifier_read(web->notifier, &out->notifier);
	take_plays(web, out);
	ledger_troubles(web->ledger, &out->ledger);
	trouble_read(&web->store->writing, STORE_RECENT_MS, &out->store_writing);
	trouble_read(&web->store->reading, STORE_RECENT_MS, &out->store_reading);
	fetcher_read_peer_trouble(web->fetcher, &out->peer);
	out->store_answers = blob_free_bytes(web->store, &out->free_bytes, &disk_err);
	out->clock = clock_guard_doubt(web->purge->guard, &out->clock_err);
	out->now_ms = clock_wall_ms();
	take_trend(web, out);
}

bool web_health_gather(const struct web *web, struct catalog *catalog, struct health_facts *out,
		       struct err *err)
{
	web_health_gather_without(web, out);
	return web_health_read(catalog, web->store, web->accounts, out, err);
}

/* What came since the start is known without the ledger. */
static bool find_last_webhook(struct catalog *catalog, struct health_facts *facts, struct err *err)
{
	facts->last_webhook_at_ms = facts->webhooks.last_taken_at_ms;
	return facts->last_webhook_at_ms != 0 ||
	       events_last_webhook_at(catalog, LAST_EVENTS, &facts->last_webhook_at_ms, err);
}

static bool make_health(struct web_read *read, struct catalog *catalog, struct json *json,
			struct err *err)
{
	const struct health_read *health = container_of(read, struct health_read, read);
	struct health_facts facts;

	if (!web_health_gather(read->web, catalog, &facts, err) ||
	    (health->detail == HEALTH_STATUS && !find_last_webhook(catalog, &facts, err)))
		return false;
	health_write(&facts, health->detail, json);
	return true;
}

/*
 * The ledger does not answer: that is no reason to be silent about it, for what is in memory plays.  Nor is it a trouble as long as
 * its readers are but busy: whether it is one they have told (ledger_troubles()).
 */
static bool tell_without(struct web_read *read, struct buf *body)
{
	const struct health_read *health = container_of(read, struct health_read, read);
	struct health_facts facts;
	struct json json;

	web_health_gather_without(read->web, &facts);
	json_start(&json, body);
	health_write(&facts, health->detail, &json);
	buf_add_byte(body, '\n');
	return true;
}

static void start(struct exchange *x, enum health_detail detail)
{
	struct health_read *health = xcalloc(1, sizeof(*health));

	health->detail = detail;
	health->read.make = make_health;
	health->read.make_without = tell_without;
	health->read.patience_ms = detail == HEALTH_WORD ? WORD_PATIENCE_MS : DETAILS_PATIENCE_MS;
	health->read.not_found = WEB_INTERNAL;
	web_read_start(&health->read, x);
}

void web_health(struct exchange *x)
{
	start(x, HEALTH_WORD);
}

void web_health_details(struct exchange *x)
{
	start(x, HEALTH_DETAILS);
}

void web_status(struct exchange *x)
{
	start(x, HEALTH_STATUS);
}
