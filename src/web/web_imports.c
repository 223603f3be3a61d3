#include "web/web_imports.h"

#include "access/web_refusal.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "catalog/recordings_queue.h"
#include "chores/imports.h"
#include "dispatch/fetcher.h"
#include "ledger/ledger.h"
#include "rest/backfill.h"
#include "twilio/accounts.h"

#include <stdlib.h>

#define DAY_LEN 10 /* "2026-01-31" */

/* ---- begin ---- */

struct beginning {
	struct ledger_job job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	const struct web *web;
	struct import asked;
};

/* *out_ms is the day's first instant; 0 where it is not given. */
static bool read_day(json_t *body, const char *key, int64_t *out_ms)
{
	struct str text = web_json_text(body, key);
	char instant[DAY_LEN + sizeof("T00:00:00Z")];

	*out_ms = 0;
	if (!json_object_get(body, key))
		return true;
	if (text.len != DAY_LEN)
		return false;
	snprintf(instant, sizeof(instant), "%.*sT00:00:00Z", STR_ARG(text));
	return clock_parse_date(str_of(instant), out_ms) && *out_ms > 0;
}

static bool read_asked(json_t *body, struct import *out)
{
	return read_day(body, "since", &out->since_ms) &&
	       read_day(body, "until", &out->before_ms) && out->since_ms <= out->asked_at_ms &&
	       (out->before_ms == 0 || out->since_ms <= out->before_ms);
}

static bool begin_one(struct catalog *catalog, const char *account_sid, const struct import *asked,
		      struct err *err)
{
	AUTO(free) struct import *row = xmalloc(2 * sizeof(*row));
	struct import this = *asked;

	if (!imports_find(catalog, str_of(account_sid), row, err))
		return false;
	if (this.asked_at_ms <=
	    row->asked_at_ms) /* which tells imports apart, whatever the clock does */
		this.asked_at_ms = row->asked_at_ms + 1;
	return backfill_merge(row, &this, &row[1]) == BACKFILL_GOES_ON ||
	       imports_set(catalog, &row[1], err);
}

static bool run_begin(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	const struct beginning *beginning = container_of(job, struct beginning, job);
	const struct accounts *accounts = beginning->web->accounts;

	if (accounts->count == 0)
		return err_set(err, ERR_CONFLICT, "No Twilio account is set.");
	for (size_t i = 0; i < accounts->count; i++)
		if (!begin_one(catalog, accounts->at[i].account_sid, &beginning->asked, err))
			return false;
	return true;
}

static void begun(struct ledger_job *job)
{
	struct beginning *beginning = container_of(job, struct beginning, job);

	/* When the client is gone the server may be stopping; else it is found within a minute (backfill.c). */
	if (beginning->x && job->succeeded) {
		fetcher_import(beginning->web->fetcher);
		web_send_json(beginning->x, STR("{\"success\":true}\n"));
	} else if (beginning->x) {
		web_refuse_change(beginning->x, &job->err, WEB_NOT_FOUND, WEB_CONFLICT);
	}
	free(beginning);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct beginning, parked)->x = NULL;
}

void web_imports_begin(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct import asked = { .asked_at_ms = clock_wall_ms() };
	json_t *body = web_json_body(x);
	struct beginning *beginning;
	bool is_good;

	if (!body)
		return;
	is_good = read_asked(body, &asked);
	json_decref(body);
	if (!is_good) {
		web_refuse(
			x, WEB_BAD_REQUEST,
			"since and until are days, as 2026-01-31, in this order and not to come.",
			WEB_NO_RETRY);
		return;
	}
	beginning = xcalloc(1, sizeof(*beginning));
	beginning->x = x;
	beginning->web = local->web;
	beginning->asked = asked;
	beginning->parked.gone = client_gone;
	exchange_park(x, &beginning->parked);
	beginning->job =
		(struct ledger_job){ .run = run_begin, .done = begun, .reply = local->mailbox };
	ledger_write(local->web->ledger, &beginning->job);
}

/* ---- how far ---- */

static void add_day(struct json *json, const char *key, int64_t at_ms)
{
	char text[ISO_DATE_SIZE];

	clock_iso_date(at_ms, text);
	json_text(json, key, at_ms == 0 ? STR_NONE : str_first(str_of(text), DAY_LEN));
}

static void add_import(struct json *json, const struct import *row)
{
	json_open(json, NULL, '{');
	json_text(json, "account_sid", str_of(row->account_sid));
	add_day(json, "since", row->since_ms);
	add_day(json, "until", row->before_ms);
	json_date(json, "asked_at", row->asked_at_ms);
	json_date(json, "completed_at", row->completed_at_ms);
	json_date(json, "reached", row->reached_ms);
	json_int(json, "listed", row->listed);
	json_int(json, "found", row->found);
	json_int(json, "malformed", row->malformed);
	json_int(json, "too_old", row->too_old);
	json_text(json, "failure", row->failure[0] ? str_of(row->failure) : STR_NONE);
	json_close(json, '}');
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	const struct accounts *accounts = read->web->accounts;
	AUTO(free) struct import *row = xmalloc(sizeof(*row));
	int64_t to_be_fetched;

	json_open(json, NULL, '{');
	json_open(json, "imports", '[');
	for (size_t i = 0; i < accounts->count; i++) {
		if (!imports_find(catalog, str_of(accounts->at[i].account_sid), row, err))
			return false;
		if (row->asked_at_ms != 0)
			add_import(json, row);
	}
	json_close(json, ']');
	if (!queue_count_backfill(catalog, clock_wall_ms(), &to_be_fetched, err))
		return false;
	json_int(json, "to_be_fetched", to_be_fetched);
	json_close(json, '}');
	return true;
}

void web_imports_list(struct exchange *x)
{
	struct web_read *read = xcalloc(1, sizeof(*read));

	read->make = make_list;
	read->not_found = WEB_INTERNAL;
	web_read_start(read, x);
}
