#include "twilio/rest_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#define URI_MAX 10240 /* a request's target, and a page */
#define DAY_MS  INT64_C(86400000)

static void add_date(struct json *json, const char *key, int64_t at_ms)
{
	char date[32];

	if (at_ms == 0) {
		json_nothing(json, key);
		return;
	}
	clock_rfc2822_date(at_ms, date);
	json_text(json, key, str_of(date));
}

/* Twilio writes seconds as a text. */
static void add_number_text(struct json *json, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	json_text(json, key, str_of(text));
}

static void add_path(struct json *json, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void add_path(struct json *json, const char *key, const char *fmt, ...)
{
	char array[256];
	struct buf path;
	va_list args;

	buf_over(&path, array, sizeof(array));
	va_start(args, fmt);
	buf_addv(&path, fmt, args);
	va_end(args);
	json_text(json, key, buf_str(&path));
}

void rest_open_recording(struct json *json, const struct rest_recording *recording)
{
	struct str account = recording->account_sid, sid = recording->recording_sid;

	json_open(json, NULL, '{');
	json_text(json, "account_sid", account);
	json_text(json, "api_version", STR("2010-04-01"));
	json_text(json, "call_sid", recording->call_sid);
	json_text(json, "conference_sid", recording->conference_sid);
	add_date(json, "date_created", recording->created_at_ms);
	add_date(json, "date_updated", recording->updated_at_ms);
	add_date(json, "start_time", recording->started_at_ms);
	add_number_text(json, "duration", recording->duration_s);
	json_text(json, "sid", sid);
	json_text(json, "price_unit", STR("USD"));
	json_text(json, "status", recording->status);
	json_int(json, "channels", recording->channels);
	json_text(json, "source", recording->source);
	if (recording->error_code > 0)
		json_int(json, "error_code", recording->error_code);
	else
		json_nothing(json, "error_code");
	json_text(json, "track", recording->track);
	add_path(json, "uri", REST_ROOT "%.*s/Recordings/%.*s.json", STR_ARG(account),
		 STR_ARG(sid));
	json_open(json, "subresource_uris", '{');
	add_path(json, "add_on_results", REST_ROOT "%.*s/Recordings/%.*s/AddOnResults.json",
		 STR_ARG(account), STR_ARG(sid));
	add_path(json, "transcriptions", REST_ROOT "%.*s/Recordings/%.*s/Transcriptions.json",
		 STR_ARG(account), STR_ARG(sid));
	json_close(json, '}');
	json_text(json, "media_url", recording->media_url);
}

static void add_subresources(struct json *json, const struct rest_call *call)
{
	static const struct {
		const char *key, *name;
	} rows[] = { { "recordings", "Recordings" },
		     { "notifications", "Notifications" },
		     { "feedback", "Feedback" },
		     { "streams", "Streams" },
		     { "payments", "Payments" },
		     { "siprec", "Siprec" },
		     { "events", "Events" },
		     { "user_defined_messages", "UserDefinedMessages" },
		     { "transcriptions", "Transcriptions" },
		     { "user_defined_message_subscriptions", "UserDefinedMessageSubscriptions" } };

	json_open(json, "subresource_uris", '{');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		add_path(json, rows[i].key, REST_ROOT "%.*s/Calls/%.*s/%s.json",
			 STR_ARG(call->account_sid), STR_ARG(call->call_sid), rows[i].name);
	json_close(json, '}');
}

void rest_write_call(struct json *json, const struct rest_call *call)
{
	static const char *const nulls[] = { "answered_by", "group_sid", "trunk_sid", "price" };

	json_open(json, NULL, '{');
	json_text(json, "sid", call->call_sid);
	json_text(json, "account_sid", call->account_sid);
	json_text(json, "parent_call_sid", call->parent_call_sid);
	json_text(json, "api_version", STR("2010-04-01"));
	add_date(json, "date_created", call->created_at_ms);
	add_date(json, "date_updated", call->updated_at_ms);
	json_text(json, "from", call->from);
	json_text(json, "from_formatted", call->from);
	json_text(json, "to", call->to);
	json_text(json, "to_formatted", call->to);
	json_text(json, "phone_number_sid", STR(""));
	json_text(json, "status", call->status);
	add_date(json, "start_time", call->started_at_ms);
	add_date(json, "end_time", call->ended_at_ms);
	if (call->duration_s == REST_UNKNOWN)
		json_nothing(json, "duration");
	else
		add_number_text(json, "duration", call->duration_s);
	json_text(json, "price_unit", STR("USD"));
	json_text(json, "direction", call->direction);
	json_text(json, "forwarded_from", call->forwarded_from);
	json_text(json, "caller_name", call->caller_name);
	json_text(json, "queue_time", STR("0"));
	json_text(json, "annotation", STR(""));
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		json_nothing(json, nulls[i]);
	add_path(json, "uri", REST_ROOT "%.*s/Calls/%.*s.json", STR_ARG(call->account_sid),
		 STR_ARG(call->call_sid));
	add_subresources(json, call);
	json_close(json, '}');
}

/* ---- lists ---- */

bool rest_page_read(struct str size, struct str number, struct str token, uint64_t size_max,
		    struct rest_page *out)
{
	struct rest_page page = { .size = REST_PAGE_SIZE };

	if (size.at && (!str_to_u64(size, &page.size) || page.size == 0))
		return false;
	if (number.at && (!str_to_u64(number, &page.number) || page.number > INT32_MAX))
		return false;
	if (token.at && !str_starts(token, STR("PA")))
		return false;
	if (token.at)
		page.token = str_after(token, 2);
	if (page.size > size_max)
		page.size = size_max;
	*out = page;
	return true;
}

/* The address of a page of this list: the request's own, but for what names the page. */
static void add_page_uri(struct json *json, const char *key, const struct rest_page *page,
			 const struct rest_page_end *end, uint64_t number, struct str token)
{
	__attribute__((cleanup(buf_release_at))) struct buf uri;
	struct str query = end->query, piece;

	buf_init(&uri, URI_MAX);
	buf_add_str(&uri, end->path);
	buf_add_byte(&uri, '?');
	while (query.at && str_cut(&query, '&', &piece)) {
		if (piece.len == 0 || str_starts(piece, STR("Page=")) ||
		    str_starts(piece, STR("PageSize=")) || str_starts(piece, STR("PageToken=")))
			continue;
		buf_add_str(&uri, piece);
		buf_add_byte(&uri, '&');
	}
	buf_addf(&uri, "PageSize=%llu&Page=%llu", (unsigned long long)page->size,
		 (unsigned long long)number);
	if (token.at)
		buf_addf(&uri, "&PageToken=PA%.*s", STR_ARG(token));
	json_text(json, key, buf_ok(&uri) ? buf_str(&uri) : STR_NONE);
}

void rest_write_page(struct json *json, const struct rest_page *page,
		     const struct rest_page_end *end)
{
	uint64_t start = page->number * page->size;

	add_page_uri(json, "uri", page, end, page->number, page->token);
	add_page_uri(json, "first_page_uri", page, end, 0, STR_NONE);
	if (end->next.at)
		add_page_uri(json, "next_page_uri", page, end, page->number + 1, end->next);
	else
		json_nothing(json, "next_page_uri");
	if (end->has_previous && page->number > 0)
		add_page_uri(json, "previous_page_uri", page, end, page->number - 1, STR_NONE);
	else
		json_nothing(json, "previous_page_uri");
	json_int(json, "page", (int64_t)page->number);
	json_int(json, "page_size", (int64_t)page->size);
	json_int(json, "start", (int64_t)start);
	json_int(json, "end", (int64_t)(start + (end->count > 0 ? end->count - 1 : 0)));
}

/* A day has another end than its start. */
static bool date_read(struct str text, int64_t *out_start, int64_t *out_end)
{
	char whole[sizeof("2024-01-31T00:00:00Z")];

	if (text.len == strlen("2024-01-31")) {
		snprintf(whole, sizeof(whole), "%.*sT00:00:00Z", STR_ARG(text));
		if (!clock_parse_date(str_of(whole), out_start))
			return false;
		*out_end = *out_start + DAY_MS;
		return true;
	}
	if (!clock_parse_date(text, out_start))
		return false;
	*out_end = *out_start + 1;
	return true;
}

enum rest_bound rest_bound_read(const char *field, struct str name, struct str value,
				struct rest_bounds *bounds)
{
	struct str sign = str_after(name, strlen(field));
	int64_t start, end;

	if (!str_starts(name, str_of(field)) ||
	    (sign.len > 0 && !str_eq(sign, STR("<")) && !str_eq(sign, STR(">"))))
		return REST_BOUND_OTHER;
	if (!date_read(value, &start, &end))
		return REST_BOUND_MALFORMED;
	if (!str_eq(sign, STR("<")))
		bounds->from_ms = start;
	if (!str_eq(sign, STR(">")))
		bounds->before_ms = end;
	return REST_BOUND_TAKEN;
}

/* ---- errors ---- */

int rest_code_of_status(int status)
{
	static const struct {
		int status, code;
	} codes[] = { { 400, 20001 }, { 401, REST_CODE_BAD_CREDENTIALS },
		      { 403, 20006 }, { 404, REST_CODE_NOT_FOUND },
		      { 405, 20004 }, { 429, REST_CODE_TOO_MANY },
		      { 500, 20500 }, { 503, 20503 } };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return 20000 + status;
}

static void add_escaped(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '<')
			buf_add_str(buf, STR("&lt;"));
		else if (text.at[i] == '>')
			buf_add_str(buf, STR("&gt;"));
		else if (text.at[i] == '&')
			buf_add_str(buf, STR("&amp;"));
		else
			buf_add_byte(buf, text.at[i]);
	}
}

static void error_as_json(struct buf *body, int status, int code, struct str message)
{
	char more[80];
	struct json json;

	snprintf(more, sizeof(more), "https://www.twilio.com/docs/errors/%d", code);
	json_start(&json, body);
	json_open(&json, NULL, '{');
	json_int(&json, "code", code);
	json_text(&json, "message", message);
	json_text(&json, "more_info", str_of(more));
	json_int(&json, "status", status);
	json_close(&json, '}');
}

static void error_as_xml(struct buf *body, int status, int code, struct str message)
{
	buf_addf(
		body,
		"<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException><Code>%d</Code><Message>",
		code);
	add_escaped(body, message);
	buf_addf(
		body,
		"</Message><MoreInfo>https://www.twilio.com/docs/errors/%d</MoreInfo><Status>%d</Status>"
		"</RestException></TwilioResponse>",
		code, status);
}

void rest_write_error(struct buf *body, bool is_json, int status, int code, struct str message)
{
	if (is_json)
		error_as_json(body, status, code, message);
	else
		error_as_xml(body, status, code, message);
}

struct str rest_error_type(bool is_json)
{
	return is_json ? STR("application/json;charset=utf-8")
		       : STR("application/xml;charset=utf-8");
}
