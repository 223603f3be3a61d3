/*
 * The loop that refuses the first webhook writes the first line and becomes the reporting
 * loop; its timer writes the next.  When a whole period brought nothing, no loop is the
 * reporting one any more, and the next refusal begins anew.
 */
#include "api/webhook_counts.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

struct webhook_counter {
	struct webhook_counters *counters;
	struct loop *loop;
	struct list link;
	struct timer timer; /* runs while this loop is the reporting one */
	pthread_mutex_t lock;
	struct webhook_counts counts;
};

static const struct {
	const char *name, *text;
} refusals[WEBHOOK_REFUSALS] = {
	[WEBHOOK_UNSIGNED] = { "unsigned", "it has no X-Twilio-Signature" },
	[WEBHOOK_UNKNOWN_ACCOUNT] = { "unknown_account",
				      "its AccountSid is not one of the configured accounts" },
	[WEBHOOK_WRONG_SIGNATURE] = { "wrong_signature",
				      "its signature does not match public_url and the auth token "
				      "of its account" },
	[WEBHOOK_NO_PUBLIC_URL] = { "no_public_url",
				    "public_url is not set, so that no signature can be checked" },
};

const char *webhook_refusal_name(enum webhook_refusal refusal)
{
	return refusals[refusal].name;
}

void webhook_counters_init(struct webhook_counters *counters, int64_t report_ms)
{
	list_init(&counters->all);
	counters->report_ms = report_ms;
	counters->is_reporting = false;
	counters->told = 0;
}

static int64_t later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

int64_t webhook_last_refused_at_ms(const struct webhook_counts *counts)
{
	int64_t last_ms = 0;

	for (int refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++)
		last_ms = later(last_ms, counts->last_refused_at_ms[refusal]);
	return last_ms;
}

static void add(struct webhook_counts *sum, const struct webhook_counts *counts)
{
	int64_t last_ms = webhook_last_refused_at_ms(sum);

	sum->taken += counts->taken;
	sum->malformed += counts->malformed;
	sum->uncommitted += counts->uncommitted;
	sum->last_taken_at_ms = later(sum->last_taken_at_ms, counts->last_taken_at_ms);
	for (int refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++) {
		sum->refused[refusal] += counts->refused[refusal];
		sum->last_refused_at_ms[refusal] = later(sum->last_refused_at_ms[refusal],
							 counts->last_refused_at_ms[refusal]);
	}
	if (webhook_last_refused_at_ms(counts) < last_ms)
		return;
	sum->last_refusal = counts->last_refusal;
	memcpy(sum->last_client, counts->last_client, sizeof(sum->last_client));
	memcpy(sum->last_origin, counts->last_origin, sizeof(sum->last_origin));
}

void webhook_counters_sum(const struct webhook_counters *counters, struct webhook_counts *out)
{
	*out = (struct webhook_counts){ .taken = 0 };
	LIST_EACH (item, &counters->all) {
		struct webhook_counter *counter = container_of(item, struct webhook_counter, link);

		pthread_mutex_lock(&counter->lock);
		add(out, &counter->counts);
		pthread_mutex_unlock(&counter->lock);
	}
}

/* ---- the log ---- */

static int64_t refused_in_all(const struct webhook_counts *counts)
{
	int64_t count = 0;

	for (int refusal = 0; refusal < WEBHOOK_REFUSALS; refusal++)
		count += counts->refused[refusal];
	return count;
}

static void report_due(struct timer *timer)
{
	struct webhook_counter *counter = container_of(timer, struct webhook_counter, timer);
	struct webhook_counters *counters = counter->counters;
	int64_t told = counters->told, count;
	struct webhook_counts sum;

	webhook_counters_sum(counters, &sum);
	if (refused_in_all(&sum) == told) {
		atomic_store(&counters->is_reporting, false);
		/* A loop that refused one since the sum saw that this one reports, and wrote nothing. */
		webhook_counters_sum(counters, &sum);
		if (refused_in_all(&sum) == told || atomic_exchange(&counters->is_reporting, true))
			return;
	}
	count = refused_in_all(&sum) - counters->told;
	log_warn(NULL, "refused %lld more webhooks in %lld s, the last from %s: %s",
		 (long long)count, (long long)(counters->report_ms / 1000), sum.last_client,
		 refusals[sum.last_refusal].text);
	counters->told += count;
	timer_start(counter->loop, &counter->timer, counters->report_ms, report_due);
}

static bool begin_report(struct webhook_counter *counter, const struct log_tag *tag)
{
	struct webhook_counters *counters = counter->counters;

	if (atomic_load(&counters->is_reporting) || atomic_exchange(&counters->is_reporting, true))
		return false;
	log_warn(tag, "refused a webhook from %s: %s", counter->counts.last_client,
		 refusals[counter->counts.last_refusal].text);
	counters->told++;
	timer_start(counter->loop, &counter->timer, counters->report_ms, report_due);
	return true;
}

/* ---- one loop ---- */

struct webhook_counter *webhook_counter_new(struct webhook_counters *counters, struct loop *loop)
{
	struct webhook_counter *counter = xcalloc(1, sizeof(*counter));

	counter->counters = counters;
	counter->loop = loop;
	pthread_mutex_init(&counter->lock, NULL);
	list_append(&counters->all, &counter->link);
	return counter;
}

void webhook_counter_free(struct webhook_counter *counter)
{
	if (!counter)
		return;
	timer_stop(&counter->timer);
	list_remove(&counter->link);
	pthread_mutex_destroy(&counter->lock);
	free(counter);
}

void webhook_count_taken(struct webhook_counter *counter)
{
	pthread_mutex_lock(&counter->lock);
	counter->counts.taken++;
	counter->counts.last_taken_at_ms = loop_wall_ms(counter->loop);
	pthread_mutex_unlock(&counter->lock);
}

void webhook_count_malformed(struct webhook_counter *counter)
{
	pthread_mutex_lock(&counter->lock);
	counter->counts.malformed++;
	pthread_mutex_unlock(&counter->lock);
}

void webhook_count_uncommitted(struct webhook_counter *counter)
{
	pthread_mutex_lock(&counter->lock);
	counter->counts.uncommitted++;
	pthread_mutex_unlock(&counter->lock);
}

bool webhook_count_refused(struct webhook_counter *counter, enum webhook_refusal refusal,
			   struct str client, struct str origin, const struct log_tag *tag)
{
	struct webhook_counts *counts = &counter->counts;

	pthread_mutex_lock(&counter->lock);
	counts->refused[refusal]++;
	counts->last_refused_at_ms[refusal] = loop_wall_ms(counter->loop);
	counts->last_refusal = refusal;
	str_fit(client, counts->last_client, sizeof(counts->last_client));
	str_fit(origin, counts->last_origin, sizeof(counts->last_origin));
	pthread_mutex_unlock(&counter->lock);
	return begin_report(counter, tag);
}
