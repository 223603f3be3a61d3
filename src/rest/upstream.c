#include "rest/upstream.h"

#include "base/log.h"
#include "base/mem.h"
#include "twilio/accounts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct upstream {
	const struct accounts *accounts;
	unsigned failures; /* in a row; the fetching loop's alone */
	int64_t first_failure_ms;
	pthread_mutex_t lock; /* what follows; the fetching loop alone writes it */
	struct upstream_facts facts;
	bool refused[]; /* by account */
};

struct upstream *upstream_new(const struct accounts *accounts)
{
	struct upstream *upstream = xcalloc(1, sizeof(*upstream) + accounts->count);

	upstream->accounts = accounts;
	pthread_mutex_init(&upstream->lock, NULL);
	return upstream;
}

void upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return;
	pthread_mutex_destroy(&upstream->lock);
	free(upstream);
}

/* ---- outages ---- */

static void failed(struct upstream *upstream, const char *text, int64_t wall_ms)
{
	struct upstream_facts *facts = &upstream->facts;

	if (upstream->failures++ == 0)
		upstream->first_failure_ms = wall_ms;
	if (upstream->failures < UPSTREAM_OUTAGE)
		return;
	if (upstream->failures == UPSTREAM_OUTAGE)
		log_warn(NULL,
			 "Twilio does not answer as it should: %s; recordings wait and are tried "
			 "again",
			 text);
	pthread_mutex_lock(&upstream->lock);
	facts->outage_since_ms = upstream->first_failure_ms;
	str_fit(str_of(text), facts->outage_text, sizeof(facts->outage_text));
	pthread_mutex_unlock(&upstream->lock);
}

static void answered(struct upstream *upstream, int64_t wall_ms)
{
	if (upstream->failures >= UPSTREAM_OUTAGE) {
		log_info(NULL, "Twilio answers again, after %lld s",
			 (long long)((wall_ms - upstream->first_failure_ms) / 1000));
		pthread_mutex_lock(&upstream->lock);
		upstream->facts.outage_since_ms = 0;
		upstream->facts.outage_text[0] = '\0';
		pthread_mutex_unlock(&upstream->lock);
	}
	upstream->failures = 0;
}

void upstream_told(struct upstream *upstream, enum upstream_sign sign, const char *text,
		   int64_t wall_ms)
{
	if (sign == UPSTREAM_IS_DOWN)
		failed(upstream, text, wall_ms);
	if (sign == UPSTREAM_ANSWERS || sign == UPSTREAM_GAVE_MEDIA)
		answered(upstream, wall_ms);
	if (sign != UPSTREAM_GAVE_MEDIA)
		return;
	pthread_mutex_lock(&upstream->lock);
	upstream->facts.last_stored_at_ms = wall_ms;
	pthread_mutex_unlock(&upstream->lock);
}

/* ---- accounts ---- */

void upstream_refuses(struct upstream *upstream, const char *account_sid, bool refuses)
{
	const struct account *account = accounts_find(upstream->accounts, str_of(account_sid));
	struct upstream_facts *facts = &upstream->facts;
	bool *is_refused;

	if (!account)
		return;
	is_refused = &upstream->refused[account - upstream->accounts->at];
	if (*is_refused == refuses)
		return;
	pthread_mutex_lock(&upstream->lock);
	*is_refused = refuses;
	facts->refused_count = 0;
	facts->refused_account[0] = '\0';
	for (size_t i = upstream->accounts->count; i-- > 0;) {
		if (!upstream->refused[i])
			continue;
		facts->refused_count++;
		str_fit(str_of(upstream->accounts->at[i].account_sid), facts->refused_account,
			sizeof(facts->refused_account));
	}
	pthread_mutex_unlock(&upstream->lock);
}

void upstream_read(struct upstream *upstream, struct upstream_facts *out)
{
	pthread_mutex_lock(&upstream->lock);
	*out = upstream->facts;
	pthread_mutex_unlock(&upstream->lock);
}
