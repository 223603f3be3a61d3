/*
 * The query of the list: the filters (live/call_query.h), limit (1 to 200), and where the page begins: after (the `next` of
 * another page) or before (its `previous`).  Unknown names are refused: a misspelled filter would
 * show too much and say nothing.
 */
#include "web/web_calls.h"

#include "access/web_refusal.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_read.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/attempts.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "http/exchange.h"
#include "listing/calls_list.h"
#include "live/call_json.h"
#include "live/call_query.h"
#include "twilio/sid.h"

#include <assert.h>
#include <stdlib.h>

#define PAGE_DEFAULT     50
#define RECORDINGS_SHOWN 50 /* of one call */
#define ATTEMPTS_SHOWN   50 /* of one recording, the newest */

/* ---- the list ---- */

/*
 * A request that waits for a reader.  Thousands may wait, so it is small: its rows, 1.3 KB each, are allocated
 * by the reader.
 */
struct list_read {
	struct web_read read;
	struct call_query query;
	struct call_cursor after, before; /* one of them, or none */
	size_t limit;
};

static_assert(sizeof(struct list_read) <= 1024, "2,000 that wait take 2 MiB");

static void add_place(struct json *json, const char *name, const struct call_cursor *place)
{
	char key[CALL_KEY_SIZE];

	json_text(json, name, place->id ? call_key(place, key) : STR_NONE);
}

static struct call_cursor place_of(const struct call_row *row)
{
	return (struct call_cursor){ row->call.started_at_ms, row->call.id };
}

/*
 * The places where the pages beside this one begin, so that they and it together leave nothing out.  Where the walk came
 * from is the page's own end; behind an empty page it is the place asked for, and the call there itself is in neither.
 */
static struct call_cursor place_behind(const struct list_read *list, const struct call_row *rows,
				       const struct call_page *page)
{
	struct call_cursor place = list->before;

	if (page->count > 0)
		return place_of(&rows[list->before.id ? page->count - 1 : 0]);
	if (list->before.id) {
		place.id++;
		return place;
	}
	place = list->after;
	if (--place.id < 1)
		place = (struct call_cursor){ place.started_at_ms - 1, INT64_MAX };
	return place;
}

static void add_places(struct json *json, const struct list_read *list, const struct call_row *rows,
		       const struct call_page *page)
{
	const struct call_cursor none = { 0 };
	struct call_cursor ahead = page->more ? page->next : none, behind = none;

	if (list->before.id || list->after.id)
		behind = place_behind(list, rows, page);
	add_place(json, "next", list->before.id ? &behind : &ahead);
	add_place(json, "previous", list->before.id ? &ahead : &behind);
}

static bool find_rows(struct list_read *list, struct catalog *catalog, struct call_row *rows,
		      struct call_page *page, struct err *err)
{
	const struct call_filter *filter = &list->query.filter;

	return list->before.id
		       ? calls_list_newer(catalog, filter, &list->before, rows, list->limit, page,
					  err)
		       : calls_list(catalog, filter, &list->after, rows, list->limit, page, err);
}

static bool make_list(struct web_read *read, struct catalog *catalog, struct json *json,
		      struct err *err)
{
	struct list_read *list = container_of(read, struct list_read, read);
	AUTO(free) struct call_row *rows = xcalloc(list->limit, sizeof(*rows));
	struct call_page page;

	if (!find_rows(list, catalog, rows, &page, err))
		return false;
	json_open(json, NULL, '{');
	json_int(json, "seq", web_read_sequence(read));
	json_open(json, "calls", '[');
	for (size_t i = 0; i < page.count; i++)
		call_json_add_row(json, read->web, &rows[i]);
	json_close(json, ']');
	add_places(json, list, rows, &page);
	json_bool(json, "number_is_vague", false); /* for who reads it still */
	json_close(json, '}');
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

static bool read_field(struct call_query *query, struct str name, struct str value)
{
	struct list_read *list = container_of(query, struct list_read, query);

	if (str_eq(name, STR("limit")))
		return read_limit(value, &list->limit);
	if (str_eq(name, STR("after")))
		return call_key_read(value, &list->after);
	if (str_eq(name, STR("before")))
		return call_key_read(value, &list->before);
	return call_query_read(query, name, value);
}

/* Refuses the request itself when it returns false. */
static bool read_query(struct exchange *x, struct list_read *list)
{
	if (!call_query_of(x, &list->query, read_field))
		return false;
	if (list->after.id && list->before.id) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "A page begins at 'after' or at 'before', not at both.", WEB_NO_RETRY);
		return false;
	}
	return true;
}

void web_calls_list(struct exchange *x)
{
	AUTO(free) struct list_read *list = xcalloc(1, sizeof(*list));

	list->limit = PAGE_DEFAULT;
	list->query.filter.retention = retention_now(web_local_of(x)->web->retention);
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
	call_json_open(json, &details->call);
	for (size_t i = 0; i < count; i++) {
		call_json_open_recording(json, read->web, &details->call, &details->recordings[i]);
		if (!add_attempts(details, catalog, &details->recordings[i], json, err))
			return false;
		json_close(json, '}');
	}
	call_json_close(json);
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
