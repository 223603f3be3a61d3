#include "twilioapi/web_twilio_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/web_refusal.h"
#include "api/web.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/calls.h"
#include "listing/calls_list.h"
#include "live/call_query.h"
#include "numbers/number_digits.h"
#include "twilio/sid.h"
#include "twilioapi/twilio_request.h"

#define PAGE_MAX      1000
#define LOOKED_AT_MAX 5000 /* calls that a page looks at for filters that no index has */

struct calls_request {
	struct twilio_request request;
	struct rest_bounds started, ended;
	char status[16], parent_call_sid[SID_SIZE]; /* "": any */
	char from[CALL_NUMBER_SIZE], to[CALL_NUMBER_SIZE];
	struct call_cursor after;
};

static struct calls_request *asked_of(struct web_read *read)
{
	struct twilio_request *request = container_of(read, struct twilio_request, read);

	return container_of(request, struct calls_request, request);
}

static struct str or_none(const char *text)
{
	return text[0] ? str_of(text) : STR_NONE;
}

static void write_call(struct json *json, const struct calls_request *asked,
		       const struct call *call)
{
	const struct rest_call resource = {
		.account_sid = str_of(call->account_sid[0] ? call->account_sid
							   : asked->request.account_sid),
		.call_sid = str_of(call->call_sid),
		.parent_call_sid = or_none(call->parent_call_sid),
		.status = or_none(call_status_text(call->status)),
		.direction = or_none(call->direction_text),
		.from = or_none(call->from),
		.to = or_none(call->to),
		.duration_s = call->duration_s >= 0 ? call->duration_s : REST_UNKNOWN,
		.created_at_ms = call->started_at_ms,
		.updated_at_ms = call->ended_at_ms ? call->ended_at_ms : call->started_at_ms,
		.started_at_ms = call->started_at_ms,
		.ended_at_ms = call->ended_at_ms,
	};

	rest_write_call(json, &resource);
}

/* ---- the list ---- */

static bool is_as(const char *wanted, const char *text)
{
	return wanted[0] == '\0' || strcmp(wanted, text) == 0;
}

/* What the list itself was not asked for. */
static bool passes(const struct calls_request *asked, const struct call *call)
{
	const struct rest_bounds *ended = &asked->ended;

	if ((ended->from_ms || ended->before_ms) && call->ended_at_ms == 0)
		return false;
	if ((ended->from_ms && call->ended_at_ms < ended->from_ms) ||
	    (ended->before_ms && call->ended_at_ms >= ended->before_ms))
		return false;
	return twilio_is_of_account(&asked->request, call->account_sid) &&
	       is_as(asked->status, call_status_text(call->status)) &&
	       is_as(asked->parent_call_sid, call->parent_call_sid) &&
	       is_as(asked->from, call->from) && is_as(asked->to, call->to);
}

/* Of a telephone number, by the index of numbers; what has others is looked at call by call. */
static struct str number_of(const struct calls_request *asked)
{
	const char *number = asked->from[0] ? asked->from : asked->to;
	struct digits digits = digits_of_search(str_of(number));

	return number[0] == '+' && strlen(digits.text) >= DIGITS_SEARCH_MIN ? str_of(number)
									    : STR_NONE;
}

struct calls_found {
	struct call *at;
	size_t count;
	bool more;
	struct call_cursor next;
};

static bool find_calls(struct catalog *catalog, const struct calls_request *asked,
		       struct calls_found *found, struct err *err)
{
	const struct call_filter filter = { .from_ms = asked->started.from_ms,
					    .to_ms = asked->started.before_ms,
					    .number = number_of(asked) };
	AUTO(free) struct call_row *rows = xcalloc(CALLS_PAGE_MAX, sizeof(*rows));
	struct call_page page = { .more = true, .next = asked->after };
	size_t looked_at = 0, left = (size_t)asked->request.page.size;

	while (page.more && left > 0 && looked_at < LOOKED_AT_MAX) {
		struct call_cursor after = page.next;
		size_t size = left < CALLS_PAGE_MAX ? left : CALLS_PAGE_MAX;

		if (!calls_list(catalog, &filter, &after, rows, size, &page, err))
			return false;
		for (size_t i = 0; i < page.count; i++)
			if (passes(asked, &rows[i].call))
				found->at[found->count++] = rows[i].call;
		left = (size_t)asked->request.page.size - found->count;
		looked_at += size;
	}
	found->more = page.more;
	found->next = page.next;
	return true;
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	const struct calls_request *asked = asked_of(read);
	AUTO(free) struct call *calls = xcalloc((size_t)asked->request.page.size, sizeof(*calls));
	struct calls_found found = { .at = calls };
	char key[CALL_KEY_SIZE];

	if (!find_calls(catalog, asked, &found, err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, "calls", '[');
	for (size_t i = 0; i < found.count; i++)
		write_call(json, asked, &calls[i]);
	json_close(json, ']');
	twilio_list_end(json, &asked->request, found.count,
			found.more ? call_key(&found.next, key) : STR_NONE);
	json_close(json, '}');
	return true;
}

static bool read_filter(struct twilio_request *request, struct str name, struct str value)
{
	struct calls_request *asked = container_of(request, struct calls_request, request);
	enum rest_bound bound = rest_bound_read("StartTime", name, value, &asked->started);

	if (bound == REST_BOUND_OTHER)
		bound = rest_bound_read("EndTime", name, value, &asked->ended);
	if (bound != REST_BOUND_OTHER)
		return bound == REST_BOUND_TAKEN;
	if (str_eq(name, STR("Status")))
		return str_copy(value, asked->status, sizeof(asked->status));
	if (str_eq(name, STR("From")))
		return str_copy(value, asked->from, sizeof(asked->from));
	if (str_eq(name, STR("To")))
		return str_copy(value, asked->to, sizeof(asked->to));
	return str_eq(name, STR("ParentCallSid")) && sid_is_call(value) &&
	       str_copy(value, asked->parent_call_sid, SID_SIZE);
}

/* NULL: it is refused. */
static struct calls_request *request_of(struct exchange *x, const char *prefix)
{
	AUTO(free) struct calls_request *asked = xcalloc(1, sizeof(*asked));

	if (!twilio_request_of(x, prefix, &asked->request))
		return NULL;
	asked->request.read.not_found = WEB_NOT_FOUND;
	asked->request.read.refuse_missing = web_refuse_missing;
	return TAKE(asked);
}

void web_twilio_calls(struct exchange *x)
{
	AUTO(free) struct calls_request *asked = request_of(x, NULL);
	struct twilio_request *request;

	if (!asked || !twilio_list_of(x, "Calls.json", PAGE_MAX, read_filter, &asked->request))
		return;
	request = &asked->request;
	if (request->page.token.at && !call_key_read(request->page.token, &asked->after)) {
		web_refuse(x, WEB_BAD_REQUEST, "PageToken is malformed.", WEB_NO_RETRY);
		return;
	}
	request->read.make = make_list;
	web_read_start(&TAKE(asked)->request.read, x);
}

/* ---- one call ---- */

static bool make_one(struct web_read *read, struct catalog *catalog, struct json *json,
		     struct err *err)
{
	const struct calls_request *asked = asked_of(read);
	struct call call;

	if (!calls_find(catalog, str_of(asked->request.sid), &call, err))
		return false;
	if (!twilio_is_of_account(&asked->request, call.account_sid))
		return err_set(err, ERR_NOT_FOUND, "it is another account's");
	write_call(json, asked, &call);
	return true;
}

void web_twilio_call(struct exchange *x)
{
	struct calls_request *asked = request_of(x, "CA");

	if (!asked)
		return;
	asked->request.read.make = make_one;
	web_read_start(&asked->request.read, x);
}
