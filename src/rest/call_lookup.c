#include "rest/call_lookup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/call_asks.h"
#include "catalog/calls.h"
#include "catalog/events.h"
#include "event/loop.h"
#include "fetch/fetch.h"
#include "ledger/ledger.h"
#include "rest/rest_env.h"
#include "rest/rest_request.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <stdlib.h>

#define URL_MAX         1024
#define POLL_MS         5000             /* the ledger is asked so often whether one is due */
#define GAP_MS          250              /* between two: four a second leave room for all else */
#define BUSY_MS         1000             /* transfers wait: looked at again so much later */
#define PUT_OFF_MS      (10 * 60 * 1000) /* the call has not ended, or no answer came */
#define PUT_OFF_MOST_MS (6 * 60 * 60 * 1000)
#define AGE_PART        24                    /* of its age: so long, without an answer */
#define GIVE_UP_MS      (24 * 60 * 60 * 1000) /* who is on for longer is asked no more */

struct call_lookup {
	const struct rest_env *env;
	struct timer timer;
	struct ledger_job job;
	struct rest_request request;
	struct call_ask ask;
	bool is_found;
	bool was_answered; /* and is not to be asked for again, unless it has not ended */
	struct rest_document document;
	struct rest_call told; /* call_sid.at is NULL: nothing was told */
};

static void look(struct timer *timer);

static void look_in(struct call_lookup *lookup, int64_t wait_ms)
{
	timer_start(lookup->env->loop, &lookup->timer, wait_ms, look);
}

/* ---- what was told, into the ledger ---- */

static bool append(const struct call_lookup *lookup, struct catalog *catalog, struct err *err)
{
	const struct rest_call *told = &lookup->told;
	struct event event;
	int64_t seq;

	event_init(&event, EVENT_CALL_FETCHED, clock_wall_ms());
	event.account_sid = told->account_sid;
	event.call_sid = told->call_sid;
	event.parent_call_sid = told->parent_call_sid;
	event.status = told->status;
	event.direction = told->direction;
	event.from = told->from;
	event.to = told->to;
	event.duration_s = told->duration_s;
	event.started_at_ms = told->started_at_ms ? told->started_at_ms : told->created_at_ms;
	event.timestamp_ms = told->ended_at_ms;
	return events_append(catalog, &event, &seq, err);
}

/*
 * How long a call waits of which no answer came, by its age: an outage, or credentials that are wrong, may last for longer than any
 * time after which it could be given up, and it was maybe old when it was first heard of.  So it is asked for without an end,
 * and what never gets an answer four times a day.
 */
static int64_t put_off_ms(const struct call_ask *ask, int64_t now_ms)
{
	int64_t wait_ms = (now_ms - ask->started_at_ms) / AGE_PART;

	if (wait_ms < PUT_OFF_MS)
		return PUT_OFF_MS;
	return wait_ms < PUT_OFF_MOST_MS ? wait_ms : PUT_OFF_MOST_MS;
}

/* When it is asked for again; 0: never. */
static int64_t again_at(const struct call_lookup *lookup, int64_t now_ms)
{
	if (!lookup->told.call_sid.at)
		return lookup->was_answered ? 0 : now_ms + put_off_ms(&lookup->ask, now_ms);
	if (call_status_is_final(call_status_from_text(lookup->told.status)) ||
	    now_ms - lookup->ask.started_at_ms >= GIVE_UP_MS)
		return 0;
	return now_ms + PUT_OFF_MS;
}

static bool run_told(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct call_lookup *lookup = container_of(job, struct call_lookup, job);

	return call_asks_set(catalog, str_of(lookup->ask.call_sid),
			     again_at(lookup, clock_wall_ms()), err) &&
	       (!lookup->told.call_sid.at || append(lookup, catalog, err));
}

static void told_written(struct ledger_job *job)
{
	struct call_lookup *lookup = container_of(job, struct call_lookup, job);

	if (!job->succeeded)
		log_warn(NULL, "cannot write what Twilio told of call %s: %s", lookup->ask.call_sid,
			 job->err.text);
	rest_document_release(&lookup->document);
	look_in(lookup, job->succeeded ? GAP_MS : POLL_MS);
}

static void conclude(struct call_lookup *lookup)
{
	lookup->job = (struct ledger_job){ .run = run_told,
					   .done = told_written,
					   .reply = lookup->env->mailbox };
	ledger_write(lookup->env->ledger, &lookup->job);
}

/* ---- asking ---- */

static void answered(struct rest_request *request)
{
	struct call_lookup *lookup = container_of(request, struct call_lookup, request);
	struct err err;

	if (request->status == 200 &&
	    !rest_read_call(buf_str(&request->body), &lookup->document, &lookup->told, &err))
		log_warn(NULL, "Twilio's answer about call %s makes no sense: %s",
			 lookup->ask.call_sid, err.text);
	else if (lookup->told.call_sid.at &&
		 !str_eq(lookup->told.call_sid, str_of(lookup->ask.call_sid)))
		lookup->told = (struct rest_call){ 0 }; /* of another call */
	/* 401 is about the account, and mended by somebody; what is said of this call alone stays so. */
	lookup->was_answered = request->status == 403 || request->status == 404;
	rest_request_release(request);
	conclude(lookup);
}

static const struct account *account_of(const struct call_lookup *lookup)
{
	const struct accounts *accounts = lookup->env->accounts;

	if (lookup->ask.account_sid[0] == '\0' && accounts->count == 1)
		return &accounts->at[0];
	return accounts_find(accounts, str_of(lookup->ask.account_sid));
}

static bool ask(struct call_lookup *lookup)
{
	const struct account *account = account_of(lookup);
	char url_text[URL_MAX];
	struct buf url;
	struct err err;

	if (!account)
		return false;
	buf_over(&url, url_text, sizeof(url_text));
	rest_call_url(&url, str_of(account->api_url), str_of(account->account_sid),
		      str_of(lookup->ask.call_sid));
	return buf_ok(&url) && rest_request_send(&lookup->request, lookup->env->fetch, account,
						 url_text, answered, &err);
}

/* What is due; else what is to wait for longer than anybody meant it to: a clock was wrong. */
static bool run_next(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct call_lookup *lookup = container_of(job, struct call_lookup, job);
	struct call_ask *ask = &lookup->ask;
	int64_t now_ms = clock_wall_ms();

	if (!call_asks_next(catalog, ask, &lookup->is_found, err))
		return false;
	if (!lookup->is_found || ask->at_ms <= now_ms)
		return true;
	if (!call_asks_last(catalog, ask, &lookup->is_found, err))
		return false;
	lookup->is_found = lookup->is_found && ask->at_ms > now_ms + 2 * put_off_ms(ask, now_ms);
	return true;
}

static void next_read(struct ledger_job *job)
{
	struct call_lookup *lookup = container_of(job, struct call_lookup, job);

	if (!job->succeeded || !lookup->is_found) {
		look_in(lookup, POLL_MS);
		return;
	}
	lookup->told = (struct rest_call){ 0 };
	lookup->was_answered = false;
	if (ask(lookup))
		return;
	lookup->was_answered = true; /* there is nobody to ask */
	conclude(lookup);
}

static void look(struct timer *timer)
{
	struct call_lookup *lookup = container_of(timer, struct call_lookup, timer);

	if (!ledger_has_duties(lookup->env->ledger)) {
		look_in(lookup, LEDGER_DUTY_LOOK_MS);
		return;
	}
	if (fetch_waiting(lookup->env->fetch) > 0) {
		look_in(lookup, BUSY_MS);
		return;
	}
	lookup->job = (struct ledger_job){ .run = run_next,
					   .done = next_read,
					   .reply = lookup->env->mailbox };
	ledger_read(lookup->env->ledger, &lookup->job);
}

struct call_lookup *call_lookup_start(const struct rest_env *env)
{
	struct call_lookup *lookup = xcalloc(1, sizeof(*lookup));

	lookup->env = env;
	look_in(lookup, 0);
	return lookup;
}

void call_lookup_free(struct call_lookup *lookup)
{
	if (!lookup)
		return;
	timer_stop(&lookup->timer);
	rest_request_release(&lookup->request);
	rest_document_release(&lookup->document);
	free(lookup);
}
