#include "dispatch/limits.h"

#include "base/log.h"
#include "base/mem.h"
#include "catalog/recordings_queue.h"
#include "twilio/accounts.h"

#include <stdio.h>
#include <stdlib.h>

#define HALVE_MS      1000    /* one storm of 429 halves the limit once */
#define FORBIDDEN_MAX 3       /* so many recordings in a row that answer 403 mean the account */
#define PROBE_MS      (60000) /* a paused account is tried so often: somebody is mending it, or not */

struct limit {
	const char *account_sid; /* "": all that are in no setting */
	double most;
	int64_t halved_at_ms; /* 0: never */
	unsigned slots[FLIGHT_RANKS];

	/* Which recordings answered 403 since the last success: one that is asked again counts once. */
	char forbidden[FORBIDDEN_MAX][SID_SIZE];
	unsigned forbidden_count;
	bool is_paused;
	int64_t paused_at_ms; /* monotonic: since when */
	int64_t probe_at_ms;  /* monotonic: not asked before */
};

struct limits {
	const struct accounts *accounts;
	unsigned concurrency, player_slots;
	struct limit at[]; /* one an account; the last is that of all others */
};

static size_t find(const struct limits *limits, const char *account_sid)
{
	const struct account *account = accounts_find(limits->accounts, str_of(account_sid));

	return account ? (size_t)(account - limits->accounts->at) : limits->accounts->count;
}

unsigned *limits_slots(struct limits *limits, const char *account_sid)
{
	return limits->at[find(limits, account_sid)].slots;
}

/* ---- how many ---- */

static unsigned flying(const struct limit *limit)
{
	unsigned all = 0;

	for (enum flight_rank rank = 0; rank < FLIGHT_RANKS; rank++)
		all += limit->slots[rank];
	return all;
}

static unsigned left(unsigned most, unsigned taken)
{
	return most > taken ? most - taken : 0;
}

static unsigned room(const struct limits *limits, const struct limit *limit, enum flight_rank rank,
		     int64_t now_ms)
{
	unsigned most = (unsigned)limit->most, all = flying(limit);
	unsigned of_backfill = left((most + 1) / 2, limit->slots[FLIGHT_BACKFILL]);

	if (limit->is_paused)
		return now_ms >= limit->probe_at_ms ? 1 : 0;
	if (rank == FLIGHT_FOR_PLAYERS)
		return left(most + limits->player_slots, all);
	if (rank == FLIGHT_BACKFILL && of_backfill < left(most, all))
		return of_backfill;
	return left(most, all);
}

unsigned limits_room(const struct limits *limits, const char *account_sid, enum flight_rank rank,
		     int64_t now_ms)
{
	return room(limits, &limits->at[find(limits, account_sid)], rank, now_ms);
}

size_t limits_count(const struct limits *limits)
{
	return limits->accounts->count;
}

void limits_shares(const struct limits *limits, int64_t now_ms, struct queue_share *out)
{
	for (size_t i = 0; i < limits->accounts->count; i++) {
		const struct limit *limit = &limits->at[i];

		snprintf(out[i].account_sid, SID_SIZE, "%s", limit->account_sid);
		out[i].most = room(limits, limit, FLIGHT_NEW, now_ms);
		out[i].most_backfill = room(limits, limit, FLIGHT_BACKFILL, now_ms);
	}
}

static void decrease(struct limit *limit, int64_t now_ms)
{
	if (limit->halved_at_ms != 0 && now_ms - limit->halved_at_ms < HALVE_MS)
		return;
	limit->halved_at_ms = now_ms;
	if (limit->most < 2)
		return;
	limit->most /= 2;
	log_warn(NULL, "Twilio limits account %s: at most %u downloads of it at once for now",
		 limit->account_sid, (unsigned)limit->most);
}

static void increase(struct limit *limit, unsigned concurrency)
{
	limit->most += 1 / limit->most;
	if (limit->most > concurrency)
		limit->most = concurrency;
}

void limits_change(struct limits *limits, unsigned concurrency, unsigned player_slots)
{
	for (size_t i = 0; i <= limits->accounts->count; i++) {
		struct limit *limit = &limits->at[i];
		bool is_unlimited = limit->most >= limits->concurrency;

		if (is_unlimited || limit->most > concurrency)
			limit->most = concurrency;
	}
	limits->concurrency = concurrency;
	limits->player_slots = player_slots;
}

/* ---- whether at all ---- */

int64_t limits_paused_ms(const struct limits *limits, const char *account_sid, int64_t now_ms)
{
	const struct limit *limit = &limits->at[find(limits, account_sid)];

	return limit->is_paused && limit->probe_at_ms > now_ms ? limit->probe_at_ms - now_ms : 0;
}

bool limits_is_paused(const struct limits *limits, const char *account_sid)
{
	return limits->at[find(limits, account_sid)].is_paused;
}

int64_t limits_next_ms(const struct limits *limits, int64_t now_ms)
{
	int64_t next_ms = -1;

	for (size_t i = 0; i < limits->accounts->count; i++) {
		const struct limit *limit = &limits->at[i];
		int64_t wait_ms = limit->probe_at_ms > now_ms ? limit->probe_at_ms - now_ms : 0;

		if (limit->is_paused && (next_ms < 0 || wait_ms < next_ms))
			next_ms = wait_ms;
	}
	return next_ms;
}

void limits_begin(struct limits *limits, const char *account_sid, int64_t now_ms)
{
	struct limit *limit = &limits->at[find(limits, account_sid)];

	if (limit->is_paused)
		limit->probe_at_ms = now_ms + PROBE_MS;
}

static void pause_account(struct limit *limit, const char *why, int64_t now_ms)
{
	if (!limit->is_paused) {
		log_error(NULL,
			  "Twilio refuses the credentials of account %s (%s): check "
			  "twilio.auth_token or twilio.api_key; until they are accepted, one "
			  "recording a minute is tried",
			  limit->account_sid, why);
		limit->paused_at_ms = now_ms;
		limit->probe_at_ms = now_ms + PROBE_MS;
	}
	limit->is_paused = true;
}

static void forbidden(struct limit *limit, const char *recording_sid, int64_t now_ms)
{
	for (unsigned i = 0; i < limit->forbidden_count; i++)
		if (memcmp(limit->forbidden[i], recording_sid, SID_SIZE) == 0)
			return;
	if (limit->forbidden_count < FORBIDDEN_MAX)
		memcpy(limit->forbidden[limit->forbidden_count++], recording_sid, SID_SIZE);
	if (limit->forbidden_count == FORBIDDEN_MAX)
		pause_account(limit, "403 for three recordings in a row", now_ms);
}

/* What was let in before it was paused, and has come to its end since, says nothing of what is let in now. */
static bool is_of_before(const struct limit *limit, const struct flight *flight)
{
	return limit->is_paused && flight->last_try_at_ms < limit->paused_at_ms;
}

static void accepted(struct limit *limit)
{
	limit->forbidden_count = 0;
	if (!limit->is_paused)
		return;
	limit->is_paused = false;
	log_info(NULL, "Twilio accepts the credentials of account %s again", limit->account_sid);
}

/* The API let us in: it sent something, or sent us on, or told us what it does not have. */
static bool is_acceptance(const struct flight_result *result)
{
	return result->is_redirected || (result->status >= 200 && result->status < 300) ||
	       result->status == 404 || result->status == VERDICT_GONE_STATUS;
}

void limits_told(struct limits *limits, const struct flight *flight,
		 const struct flight_result *result, int64_t now_ms)
{
	struct limit *limit = &limits->at[find(limits, flight->account_sid)];

	if (limit == &limits->at[limits->accounts->count])
		return; /* it was never asked */
	/* It was not to be fetched any more, or not for want of a key, or from elsewhere: another recording may find out. */
	if (!result->was_sent && limit->is_paused && !is_of_before(limit, flight))
		limit->probe_at_ms = now_ms;
	if (!result->was_sent)
		return;
	if (result->meaning == VERDICT_LIMITED)
		decrease(limit, now_ms);
	else if (result->meaning == VERDICT_KEPT || result->meaning == VERDICT_KEPT_OFF)
		increase(limit, limits->concurrency);
	if (result->meaning == VERDICT_REFUSED)
		pause_account(limit, "401", now_ms);
	else if (result->meaning == VERDICT_FORBIDDEN)
		forbidden(limit, flight->recording_sid, now_ms);
	else if (is_acceptance(result) && !is_of_before(limit, flight))
		accepted(limit);
}

/* ---- life cycle ---- */

struct limits *limits_new(const struct accounts *accounts, unsigned concurrency,
			  unsigned player_slots)
{
	struct limits *limits =
		xcalloc(1, sizeof(*limits) + (accounts->count + 1) * sizeof(limits->at[0]));

	limits->accounts = accounts;
	limits->concurrency = concurrency;
	limits->player_slots = player_slots;
	for (size_t i = 0; i <= accounts->count; i++) {
		limits->at[i].account_sid = i < accounts->count ? accounts->at[i].account_sid : "";
		limits->at[i].most = concurrency;
	}
	return limits;
}

void limits_free(struct limits *limits)
{
	free(limits);
}
