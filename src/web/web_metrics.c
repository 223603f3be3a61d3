/*
 * Counters are read where they are counted, by the reader's thread that also asks the ledger: a scrape takes
 * nothing of a serving loop but its request and its answer.
 */
#include "web/web_metrics.h"

#include "accesslog/access_log.h"
#include "api/web.h"
#include "api/web_read.h"
#include "audit/open_plays.h"
#include "base/clock.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "dispatch/fetcher.h"
#include "event/loop.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "ledger/ledger.h"
#include "metrics/exposition.h"
#include "metrics/families.h"
#include "muster/muster_counts.h"
#include "web/health.h"
#include "web/web_health.h"

#define PATIENCE_MS 3000 /* a third of what Prometheus waits for, where nobody says otherwise */

static void add_local(const struct web_local *local, struct metrics_serving *out)
{
	const struct loop_times *times = loop_times(local->loop);
	int64_t lag_us = loop_times_lag_us(times, clock_monotonic_us());

	web_counts_add(&local->counts, &out->sums);
	time_histogram_add(&times->turns, &out->turns);
	out->lag_us = lag_us > out->lag_us ? lag_us : out->lag_us;
	out->audit_left_out += open_plays_left_out(local->plays);
	if (!local->http)
		return;
	out->connections += gauge_read(&local->http->counts.connections);
	out->connections_refused += counter_read(&local->http->counts.connections_refused);
}

static void take_health(const struct health_facts *health, struct metrics_facts *out)
{
	struct health_causes causes;

	health_judge(health, &causes);
	out->now_ms = health->now_ms;
	out->started_at_ms = health->started_at_ms;
	out->is_degraded = causes.count > 0;
	out->examined_at_ms = health->examined.at_ms;
	out->examinations = health->examined.examinations;
	out->examined_good = health->examined.good;
	out->examined_findings = health->examined.findings;
	out->examined_unchecked = health->examined.unchecked;
	out->counts = health->counts;
	out->store_answers = health->store_answers;
	out->free_bytes = health->free_bytes;
	out->min_free_bytes = health->min_free_bytes;
	out->reserve = health->reserve;
	out->faults = health->faults;
	for (int pass = 0; pass < VERIFICATION_PASSES; pass++)
		if (health->verified[pass].completed_at_ms > out->compared_at_ms)
			out->compared_at_ms = health->verified[pass].completed_at_ms;
	out->expected = completeness_expected(&health->completeness, &health->counts);
	out->expired = health->completeness.expired;
	out->is_listed = health->completeness.is_listed;
	out->listed_at_ms = health->completeness.listed_at_ms;
	out->list_failing_since_ms = health->reconciles ? health->completeness.failing_since_ms : 0;
	out->notices_waiting = health->notices.waiting;
	out->notices_dead = health->notices.dead;
	out->notices_oldest_at_ms = health->notices.oldest_at_ms;
	out->notify_failing_since_ms = health->notifier.ailing_since_ms;
	out->is_notify_gone = health->notifier.is_gone;
	out->notices_taken = health->notifier.taken;
	out->notices_failed = health->notifier.failed;
	out->notices_died = health->notifier.died;
	out->is_clock_doubted = health->clock != CLOCK_UNDOUBTED;
	out->webhooks = health->webhooks;
	out->upstream = health->upstream;
}

/* All that is known without the ledger, and what was found out of the health. */
static void write_metrics(const struct web *web, const struct health_facts *health,
			  const struct metrics_company *company, bool is_ledger_silent,
			  struct buf *body)
{
	struct ledger_sums sums;
	struct metrics_facts facts = {
		.is_ledger_silent = is_ledger_silent,
		.ledger = &sums,
		.flights = fetcher_flight_counts(web->fetcher),
		.peers = fetcher_peer_counts(web->fetcher),
		.fetching = fetcher_loop_times(web->fetcher),
		.keeping = web->keeping_times,
		.company = *company,
	};
	struct blob_remote_facts bucket;

	if (blob_remote_read(web->store, &bucket))
		facts.bucket = &bucket;
	ledger_sums(web->ledger, &sums);
	take_health(health, &facts);
	LIST_EACH (item, &web->locals)
		add_local(container_of(item, struct web_local, link), &facts.serving);
	facts.serving.access_log_lost = access_log_lost_count(web->access_log);
	metrics_write(&facts, body);
}

static bool make_metrics(struct web_read *read, struct catalog *catalog, struct json *json,
			 struct err *err)
{
	struct health_facts health;
	struct metrics_company company;

	if (!web_health_gather(read->web, catalog, &health, err) ||
	    !muster_count(read->web->ledger, catalog, &company, err))
		return false;
	write_metrics(read->web, &health, &company, false, &read->body);
	return true;
}

static bool tell_without(struct web_read *read, struct buf *body)
{
	struct health_facts health;
	struct metrics_company company;

	web_health_gather_without(read->web, &health);
	muster_know(read->web->ledger, &company);
	write_metrics(read->web, &health, &company, true, body);
	return true;
}

static void send_metrics(struct exchange *x, struct str body)
{
	reply_begin(x, 200);
	reply_header_lines(
		x, STR("Content-Type: " EXPOSITION_TYPE "\r\n"
		       "Cache-Control: no-store\r\n"
		       "X-Content-Type-Options: nosniff\r\n"
		       "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
		       "Cross-Origin-Resource-Policy: same-origin\r\n"));
	reply_send(x, body);
}

void web_metrics(struct exchange *x)
{
	struct web_read *read = xcalloc(1, sizeof(*read));

	read->make = make_metrics;
	read->make_without = tell_without;
	read->patience_ms = PATIENCE_MS;
	read->send = send_metrics;
	read->not_found = WEB_INTERNAL;
	web_read_start(read, x);
}
