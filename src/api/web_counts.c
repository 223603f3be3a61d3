#include "api/web_counts.h"

#include "api/web_error.h"
#include "http/exchange.h"

static const char *const source_names[PLAY_SOURCES] = {
	[PLAY_SOURCE_NONE] = "none",
	[PLAY_SOURCE_CACHE] = "cache",
	[PLAY_SOURCE_STORE] = "store",
	[PLAY_SOURCE_FLIGHT] = "flight",
};

static const char *const result_names[PLAY_RESULTS] = {
	[PLAY_RESULT_PLAYED] = "played",
	[PLAY_RESULT_REDIRECTED] = "redirected",
	[PLAY_RESULT_NOT_MODIFIED] = "not_modified",
	[PLAY_RESULT_CUT] = "cut",
	[PLAY_RESULT_LEFT] = "left",
	[PLAY_RESULT_NOT_SATISFIABLE] = "not_satisfiable",
	[PLAY_RESULT_BAD_REQUEST] = "bad_request",
	[PLAY_RESULT_REFUSED] = "refused",
	[PLAY_RESULT_MISSING] = "missing",
	[PLAY_RESULT_GONE] = "gone",
	[PLAY_RESULT_KEY_MISSING] = "key_missing",
	[PLAY_RESULT_UPSTREAM_REFUSED] = "upstream_refused",
	[PLAY_RESULT_UPSTREAM_UNAVAILABLE] = "upstream_unavailable",
	[PLAY_RESULT_OVERLOADED] = "overloaded",
	[PLAY_RESULT_INTERNAL] = "internal",
};

static const char *const limit_names[WEB_LIMITS] = {
	[LIMIT_UNKNOWN] = "unknown_credentials",
	[LIMIT_NETWORK] = "sign_ins_of_network",
	[LIMIT_ACCOUNT] = "sign_ins_to_account",
	[LIMIT_PASSWORD] = "password_changes",
	[LIMIT_PLAYS] = "plays",
	[LIMIT_MISSING] = "unknown_sids",
	[LIMIT_LINK] = "openings_of_link",
};

const char *play_source_name(enum play_source source)
{
	return source_names[source];
}

const char *play_result_name(enum play_result result)
{
	return result_names[result];
}

const char *web_limit_name(enum web_limit limit)
{
	return limit_names[limit];
}

static enum play_result result_of_refusal(int status)
{
	switch (status) {
	case 401:
	case 403:
	case 429:
		return PLAY_RESULT_REFUSED;
	case 404:
		return PLAY_RESULT_MISSING;
	case 410:
		return PLAY_RESULT_GONE;
	case 412:
	case 416:
		return PLAY_RESULT_NOT_SATISFIABLE;
	default:
		return status < 500 ? PLAY_RESULT_BAD_REQUEST : PLAY_RESULT_INTERNAL;
	}
}

enum play_result play_result_of(int status, uint8_t outcome)
{
	if (outcome == WEB_OUTCOME_CUT)
		return PLAY_RESULT_CUT;
	if (outcome == WEB_OUTCOME_ERROR(WEB_KEY_MISSING))
		return PLAY_RESULT_KEY_MISSING;
	if (outcome == WEB_OUTCOME_ERROR(WEB_UPSTREAM_REFUSED))
		return PLAY_RESULT_UPSTREAM_REFUSED;
	if (outcome == WEB_OUTCOME_ERROR(WEB_UPSTREAM_UNAVAILABLE))
		return PLAY_RESULT_UPSTREAM_UNAVAILABLE;
	if (outcome == WEB_OUTCOME_ERROR(WEB_OVERLOADED))
		return PLAY_RESULT_OVERLOADED;
	if (status < 300)
		return PLAY_RESULT_PLAYED;
	if (status == 307)
		return PLAY_RESULT_REDIRECTED;
	return status == 304 ? PLAY_RESULT_NOT_MODIFIED : result_of_refusal(status);
}

#define LATEST_MAX 50 /* plays of a loop */

/* The last is the lowest bit, 1 where it came from the store; the highest 1 stands above the first, and is none. */
static void latest_add(struct gauge *latest, bool is_stored)
{
	uint64_t bits = (uint64_t)gauge_read(latest), above = UINT64_C(1) << LATEST_MAX;

	bits = (bits ? bits : 1) << 1 | is_stored;
	if (bits >= above << 1)
		bits = (bits & (above - 1)) | above;
	gauge_set(latest, (int64_t)bits);
}

static void latest_sum(const struct gauge *latest, struct web_sums *sums)
{
	uint64_t bits = (uint64_t)gauge_read(latest);

	if (bits == 0)
		return;
	sums->latest_plays += 63 - (uint64_t)__builtin_clzll(bits);
	sums->latest_stored += (uint64_t)__builtin_popcountll(bits) - 1;
}

static void count_play(struct web_counts *counts, enum play_source source, enum play_result result)
{
	counter_add(&counts->plays[source][result], 1);
	if ((result == PLAY_RESULT_PLAYED || result == PLAY_RESULT_REDIRECTED) &&
	    source != PLAY_SOURCE_NONE)
		latest_add(&counts->latest_plays, source != PLAY_SOURCE_FLIGHT);
}

void web_count_request(struct web_counts *counts, const struct exchange *x, bool is_play)
{
	counter_add(&counts->requests[x->status / 100], 1);
	if (is_play)
		count_play(counts, x->source, play_result_of(x->status, x->outcome));
}

static void add_each(const struct counter *counters, size_t count, uint64_t *sums)
{
	for (size_t i = 0; i < count; i++)
		sums[i] += counter_read(&counters[i]);
}

void web_counts_add(const struct web_counts *counts, struct web_sums *sums)
{
	add_each(counts->requests, WEB_STATUS_CLASSES, sums->requests);
	add_each(counts->sign_ins, SIGN_IN_RESULTS, sums->sign_ins);
	add_each(counts->throttled, WEB_LIMITS, sums->throttled);
	for (int source = 0; source < PLAY_SOURCES; source++) {
		add_each(counts->plays[source], PLAY_RESULTS, sums->plays[source]);
		time_histogram_add(&counts->first_byte[source], &sums->first_byte[source]);
	}
	latest_sum(&counts->latest_plays, sums);
	time_histogram_add(&counts->webhooks, &sums->webhooks);
	sums->live_sockets += gauge_read(&counts->live_sockets);
	sums->live_polls += gauge_read(&counts->live_polls);
	sums->live_messages += counter_read(&counts->live_messages);
}
