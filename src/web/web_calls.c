/*
 * The query of the list: direction (inbound, outbound, all), from and to (RFC 3339), state (none,
 * pending, stored, absent, failed, deleted), number (digits as a person types them), call (a call
 * SID), limit (1 to 200), after (the `next` of the page before).  Unknown names are refused: a
 * misspelled filter would show too much and say nothing.
 */
#include "web/web_calls.h"

#include "access/web_refusal.h"
#include "api/expiry.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_read.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "http/exchange.h"
#include "http/form.h"
#include "twilio/sid.h"

#include <assert.h>
#include <stdlib.h>

#define PAGE_DEFAULT     50
#define RECORDINGS_SHOWN 50 /* of one call */
#define ATTEMPTS_SHOWN   50 /* of one recording, the newest */
#define QUERY_ROOM       4096
#define NUMBER_MAX       127 /* of a number that is searched for: what a person may type */

/* ---- a recording, a call ---- */

static void add_expiry(struct json *json, const struct web *web, const struct recording *recording)
{
	int64_t expires_at_ms =
		expiry_at_ms(web->live.retention_ms, recording->started_at_ms, recording->is_held);

	json_date(json, "expires_at", expires_at_ms == EXPIRY_NEVER ? 0 : expires_at_ms);
	json_bool(json, "expired", expires_at_ms < clock_wall_ms());
}

/* The object stays open: attempts may follow. */
static void open_recording(struct json *json, const struct web *web,
			   const struct recording *recording)
{
	bool is_stored = recording->state == RECORDING_STORED;

	json_open(json, NULL, '{');
	json_text(json, "recording_sid", str_of(recording->recording_sid));
	json_text(json, "state", str_of(recording_state_text(recording->state)));
	json_date(json, "started_at", recording->started_at_ms);
	if (recording->duration_s >= 0)
		json_int(json, "duration", recording->duration_s);
	else
		json_nothing(json, "duration");
	json_int(json, "channels", is_stored ? recording->channels_stored : recording->channels);
	json_text(json, "source", recording->source[0] ? str_of(recording->source) : STR_NONE);
	json_bool(json, "held", recording->is_held);
	add_expiry(json, web, recording);
	if (is_stored) {
		json_text(json, "format", str_of(recording->format));
		json_int(json, "size", (int64_t)recording->size);
		json_text(json, "sha256",
			  recording->sha256[0] ? str_of(recording->sha256) : STR_NONE);
		json_seconds(json, "measured_duration", recording->duration_ms);
		json_bool(json, "duration_differs", recording->is_duration_off);
		json_date(json, "stored_at", recording->stored_at_ms);
	}
	if (recording->reason_code[0] != '\0' && !is_stored) {
		json_open(json, "reason", '{');
		json_text(json, "code", str_of(recording->reason_code));
		json_text(json, "text", str_of(recording->reason_text));
		json_close(json, '}');
		json_date(json, "next_try_at",
			  recording->next_try_at_ms == RECORDING_NEVER ? 0
								       : recording->next_try_at_ms);
	} else {
		json_nothing(json, "reason");
	}
}

/* The object stays open, within its array of recordings. */
static void open_call(struct json *json, const struct call *call)
{
	json_open(json, NULL, '{');
	json_text(json, "call_sid", str_of(call->call_sid));
	json_text(json, "parent_call_sid",
		  call->parent_call_sid[0] ? str_of(call->parent_call_sid) : STR_NONE);
	json_text(json, "account_sid", call->account_sid[0] ? str_of(call->account_sid) : STR_NONE);
	json_text(json, "direction",
		  call->direction_text[0] ? str_of(call->direction_text) : STR_NONE);
	json_text(json, "from", call->from[0] ? str_of(call->from) : STR_NONE);
	json_text(json, "to", call->to[0] ? str_of(call->to) : STR_NONE);
	json_text(json, "status",
		  call->status == CALL_STATUS_UNKNOWN ? STR_NONE
						      : str_of(call_status_text(call->status)));
	json_date(json, "started_at", call->started_at_ms);
	json_date(json, "ended_at", call->ended_at_ms);
	if (call->duration_s >= 0)
		json_int(json, "duration", call->duration_s);
	else
		json_nothing(json, "duration");
	json_text(json, "main_recording_sid",
		  call->main_recording_sid[0] ? str_of(call->main_recording_sid) : STR_NONE);
	json_int(json, "recording_count", call->recordings);
	json_open(json, "recordings", '[');
}

static void close_call(struct json *json)
{
	json_close(json, ']');
	json_close(json, '}');
}

/* ---- the list ---- */

/*
 * A request that waits for a reader.  Thousands may wait, so it is small: its rows, 1.3 KB each, are allocated
 * by the reader.
 */
struct list_read {
	struct web_read read;
	struct call_filter filter;
	struct call_cursor after;
	size_t limit;
	char number[NUMBER_MAX + 1]; /* the filter's texts lie here */
	char call_sid[SID_SIZE];
};

static_assert(sizeof(struct list_read) <= 1024, "2,000 that wait take 2 MiB");

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	struct list_read *list = container_of(read, struct list_read, read);
	AUTO(free) struct call_row *rows = xcalloc(list->limit, sizeof(*rows));
	struct call_page page;

	if (!calls_list(catalog, &list->filter, &list->after, rows, list->limit, &page, err))
		return false;
	json_open(json, NULL, '{');
	json_open(json, "calls", '[');
	for (size_t i = 0; i < page.count; i++) {
		const struct call_row *row = &rows[i];

		open_call(json, &row->call);
		if (row->call.main_recording_sid[0] != '\0') {
			open_recording(json, read->web, &row->recording);
			json_close(json, '}');
		}
		close_call(json);
	}
	json_close(json, ']');
	if (page.more) {
		char cursor[64];

		snprintf(cursor, sizeof(cursor), "%lld.%lld", (long long)page.next.started_at_ms,
			 (long long)page.next.id);
		json_text(json, "next", str_of(cursor));
	} else {
		json_nothing(json, "next");
	}
	json_bool(json, "number_is_vague", page.is_number_vague);
	json_close(json, '}');
	return true;
}

static bool read_cursor(struct str text, struct call_cursor *out)
{
	size_t dot = str_find(text, '.');

	return str_to_i64(str_first(text, dot), &out->started_at_ms) &&
	       str_to_i64(str_after(text, dot + 1), &out->id);
}

static bool read_direction(struct str text, enum call_direction *out)
{
	if (str_eq(text, STR("all")))
		*out = CALL_DIRECTION_UNKNOWN;
	else if (str_eq(text, STR("inbound")))
		*out = CALL_INBOUND;
	else if (str_eq(text, STR("outbound")))
		*out = CALL_OUTBOUND;
	else
		return false;
	return true;
}

static bool read_limit(struct str text, size_t *out)
{
	uint64_t limit;

	if (!str_to_u64(text, &limit) || limit < 1 || limit > CALLS_PAGE_MAX)
		return false;
	*out = (size_t)limit;
	return true;
}

static bool read_filter_field(struct list_read *list, struct str name, struct str value)
{
	struct call_filter *filter = &list->filter;

	if (str_eq(name, STR("direction")))
		return read_direction(value, &filter->direction);
	if (str_eq(name, STR("from")))
		return clock_parse_date(value, &filter->from_ms);
	if (str_eq(name, STR("to")))
		return clock_parse_date(value, &filter->to_ms);
	if (str_eq(name, STR("limit")))
		return read_limit(value, &list->limit);
	if (str_eq(name, STR("after")))
		return read_cursor(value, &list->after);
	if (str_eq(name, STR("number"))) {
		if (!str_copy(value, list->number, sizeof(list->number)))
			return false;
		filter->number = value.len > 0 ? str_of(list->number) : STR_NONE;
		return true;
	}
	if (str_eq(name, STR("state"))) {
		filter->has_group = true;
		return recording_group_from_text(value, &filter->group);
	}
	if (str_eq(name, STR("call"))) {
		if (!sid_is_call(value) || !str_copy(value, list->call_sid, SID_SIZE))
			return false;
		filter->call_sid = str_of(list->call_sid);
		return true;
	}
	return false;
}

/* Refuses the request itself when it returns false. */
static bool read_query(struct exchange *x, struct list_read *list)
{
	char room_bytes[QUERY_ROOM], text[160];
	struct form form;
	struct buf room;

	buf_over(&room, room_bytes, sizeof(room_bytes));
	if (!form_parse(x->request.query, &room, &form)) {
		web_refuse(x, WEB_BAD_REQUEST, "The query is malformed.", WEB_NO_RETRY);
		return false;
	}
	for (size_t i = 0; i < form.count; i++) {
		const struct form_field *field = &form.fields[i];

		if (read_filter_field(list, field->name, field->value))
			continue;
		snprintf(text, sizeof(text),
			 "The filter '%.*s' is not known or its value is malformed.",
			 (int)(field->name.len < 60 ? field->name.len : 60), field->name.at);
		web_refuse(x, WEB_BAD_REQUEST, text, WEB_NO_RETRY);
		return false;
	}
	return true;
}

void web_calls_list(struct exchange *x)
{
	AUTO(free) struct list_read *list = xcalloc(1, sizeof(*list));

	list->limit = PAGE_DEFAULT;
	list->read.make = make_list;
	list->read.not_found = WEB_NOT_FOUND;
	if (read_query(x, list))
		web_read_start(&TAKE(list)->read, x);
}

/* ---- one call ---- */

/* What a reader makes the reply from. */
struct details {
	struct call call;
	struct recording recordings[RECORDINGS_SHOWN];
	struct attempt attempts[ATTEMPTS_SHOWN];
};

struct details_read {
	struct web_read read;
	char call_sid[SID_SIZE];
};

static bool add_attempts(struct details *details, struct catalog *catalog,
			 const struct recording *recording, struct json *json, struct err *err)
{
	size_t count;

	if (!attempts_list(catalog, str_of(recording->recording_sid), details->attempts,
			   ATTEMPTS_SHOWN, &count, err))
		return false;
	json_open(json, "attempts", '[');
	for (size_t i = 0; i < count; i++) {
		const struct attempt *attempt = &details->attempts[i];

		json_open(json, NULL, '{');
		json_int(json, "attempt", attempt->id);
		json_int(json, "generation", attempt->generation);
		json_date(json, "began_at", attempt->began_at_ms);
		json_date(json, "ended_at", attempt->ended_at_ms);
		json_text(json, "outcome",
			  attempt->outcome[0] ? str_of(attempt->outcome) : STR_NONE);
		json_text(json, "text", attempt->detail[0] ? str_of(attempt->detail) : STR_NONE);
		json_int(json, "http_status", attempt->http_status);
		json_int(json, "bytes", attempt->bytes);
		json_close(json, '}');
	}
	json_close(json, ']');
	return true;
}

static bool make_details(struct web_read *read, struct catalog *catalog, struct json *json,
			 struct err *err)
{
	const struct details_read *asked = container_of(read, struct details_read, read);
	AUTO(free) struct details *details = xcalloc(1, sizeof(*details));
	struct str call_sid = str_of(asked->call_sid);
	size_t count;

	if (!calls_find(catalog, call_sid, &details->call, err) ||
	    !recordings_list_of_call(catalog, call_sid, details->recordings, RECORDINGS_SHOWN,
				     &count, err))
		return false;
	open_call(json, &details->call);
	for (size_t i = 0; i < count; i++) {
		open_recording(json, read->web, &details->recordings[i]);
		if (!add_attempts(details, catalog, &details->recordings[i], json, err))
			return false;
		json_close(json, '}');
	}
	close_call(json);
	return true;
}

void web_call_details(struct exchange *x)
{
	AUTO(free) struct details_read *details = xcalloc(1, sizeof(*details));
	char room[SID_PARAM_SIZE];
	struct str call_sid = sid_param(x->request.params[0], room);

	details->read.make = make_details;
	details->read.not_found = WEB_CALL_NOT_FOUND;
	details->read.refuse_missing = web_refuse_missing;
	if (!sid_is_call(call_sid) ||
	    !str_copy(call_sid, details->call_sid, sizeof(details->call_sid))) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "This is not a call SID: CA and 32 hexadecimal digits.", WEB_NO_RETRY);
		return;
	}
	web_read_start(&TAKE(details)->read, x);
}
