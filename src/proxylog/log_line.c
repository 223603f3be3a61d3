#include "proxylog/log_line.h"

#include "base/own.h"
#include "proxylog/log_time.h"

#include <jansson.h>
#include <stdio.h>

/* ---- what others put before a line ---- */

static bool is_name(char c)
{
	return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
	       c == '_' || c == '.';
}

static size_t name_end(struct str line, size_t at)
{
	while (at < line.len && is_name(line.at[at]))
		at++;
	return at;
}

/* "nginx-1  | " of docker compose logs. */
static struct str without_compose(struct str line)
{
	size_t at = name_end(line, 0);

	if (at == 0)
		return line;
	while (at < line.len && line.at[at] == ' ')
		at++;
	if (at + 1 >= line.len || line.at[at] != '|' || line.at[at + 1] != ' ')
		return line;
	return str_after(line, at + 2);
}

/* Behind "host nginx[7]: " or "host nginx: "; all of it where there is none. */
static struct str without_tag(struct str line)
{
	size_t host = name_end(line, 0), at = name_end(line, host + 1);

	if (host == 0 || at <= host + 1 || line.at[host] != ' ')
		return line;
	if (str_starts(str_after(line, at), STR("["))) {
		for (at++; at < line.len && ascii_is_digit(line.at[at]); at++)
			;
		if (!str_starts(str_after(line, at++), STR("]")))
			return line;
	}
	return str_starts(str_after(line, at), STR(": ")) ? str_after(line, at + 2) : line;
}

/*
 * Behind the time of docker's -t, or that of journalctl and syslog and whose the line is; NONE: it begins with no time.
 * *out_s is untouched where that has no year.
 */
static struct str without_stamp(struct str line, int64_t *out_s)
{
	size_t len = str_find(line, ' ');

	if (log_time_syslog(line, &len) ||
	    (len > 10 && line.at[10] == 'T' && log_time_iso(str_first(line, len), out_s)))
		return without_tag(str_after(line, len + 1));
	return STR_NONE;
}

static struct str without_end(struct str line)
{
	while (line.len > 0 && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == '\n'))
		line.len--;
	return line;
}

/* ---- nginx's error log ---- */

/* The value behind `name: "` up to the next quote. */
static struct str quoted(struct str line, struct str name)
{
	struct str rest = str_after(line, str_find_str(line, name));

	if (rest.len == 0)
		return STR_NONE;
	rest = str_after(rest, name.len);
	return str_first(rest, str_find(rest, '"'));
}

static bool read_error(struct str line, struct log_line *out)
{
	size_t len, level;

	if (!log_time_error(line, &out->at_s, &len))
		return false;
	line = str_after(line, len);
	level = str_find(line, ']');
	if (!str_starts(line, STR(" [")) || level == line.len)
		return false;
	out->kind = LOG_LINE_ERROR;
	line = str_after(line, level + 1);
	/* "123#123: *45 " */
	if (str_find_str(line, STR(": ")) < line.len)
		line = str_after(line, str_find_str(line, STR(": ")) + 2);
	if (line.len > 0 && line.at[0] == '*' && str_find(line, ' ') < line.len)
		line = str_after(line, str_find(line, ' ') + 1);
	out->message = line;
	out->request = quoted(line, STR("request: \""));
	return true;
}

/* ---- accesses ---- */

static int number_of(struct str s)
{
	uint64_t number;

	return str_to_u64(str_first(s, str_find(s, ' ')), &number) && number < 1000 ? (int)number
										    : 0;
}

/* "0.004" in seconds; -1: it is none. */
static int64_t milliseconds_of(struct str s)
{
	int64_t ms = 0, unit = 1000;
	bool is_behind = false;

	if (s.len == 0 || !ascii_is_digit(s.at[0]))
		return -1;
	for (size_t i = 0; i < s.len && unit > 0 && ms < INT64_MAX / 100000; i++) {
		if (s.at[i] == '.' && !is_behind) {
			is_behind = true;
			continue;
		}
		if (!ascii_is_digit(s.at[i]))
			break;
		ms = is_behind ? ms : ms * 10;
		unit = is_behind ? unit / 10 : unit;
		ms += (s.at[i] - '0') * unit;
	}
	return ms;
}

/* The word behind `name` in callspool's format of nginx's log. */
static struct str word(struct str rest, struct str name)
{
	size_t at = str_find_str(rest, name);

	if (at == rest.len)
		return STR_NONE;
	rest = str_after(rest, at + name.len);
	return str_first(rest, str_find(rest, ' '));
}

/* "0.004", always of three digits behind the point. */
static bool is_seconds(struct str s)
{
	size_t point = str_find(s, '.');
	uint64_t whole, part;

	return s.len == point + 4 && str_to_u64(str_first(s, point), &whole) &&
	       str_to_u64(str_after(s, point + 1), &part);
}

/* A request's id, and none of what nginx writes there: seconds, a status, an address, "-". */
static bool is_id(struct str s)
{
	bool has_letter = false;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_name(s.at[i]))
			return false;
		has_letter = has_letter ||
			     (s.at[i] != '-' && s.at[i] != '.' && !ascii_is_digit(s.at[i]));
	}
	return has_letter;
}

/*
 * Behind the referer and the agent of callspool's own access log: seconds, and the id.  A format of nginx's may end so, too, or
 * nearly so: callspool itself never answers 502 or 504.
 */
static void read_own_end(struct str rest, struct log_line *out)
{
	struct str took, id;
	size_t quote = rest.len;

	while (quote > 0 && rest.at[quote - 1] != '"')
		quote--;
	rest = str_trim(str_after(rest, quote));
	if (!str_cut(&rest, ' ', &took) || !str_cut(&rest, ' ', &id) || rest.at ||
	    !is_seconds(took) || !is_id(id))
		return;
	out->is_like_own = out->status == 502 || out->status == 504;
	out->kind = out->is_like_own ? LOG_LINE_ACCESS : LOG_LINE_OWN;
	out->took_ms = milliseconds_of(took);
	out->request_id = id;
}

static void read_access_end(struct str rest, struct log_line *out)
{
	struct str range = quoted(rest, STR("range=\""));
	struct str id = word(rest, STR(" id=")), upstream = word(rest, STR(" upstream="));

	out->status = number_of(rest);
	if (!id.at) {
		read_own_end(rest, out);
		return;
	}
	out->range = range.at && !str_eq(range, STR("-")) ? range : STR_NONE;
	out->request_id = id;
	out->upstream_status = upstream.at ? number_of(upstream) : 0;
	out->took_ms = milliseconds_of(word(rest, STR(" all=")));
}

/* An address, then [time] "request" status ... */
static bool read_access(struct str line, struct log_line *out)
{
	size_t open = str_find(line, '['), close = str_find(line, ']');
	struct str date, rest;

	if (close == line.len || open > close)
		return false;
	date = str_first(str_after(line, open + 1), close - open - 1);
	rest = str_after(line, close + 1);
	if (!str_starts(rest, STR(" \"")) ||
	    (!log_time_combined(date, &out->at_s) && !log_time_iso(date, &out->at_s)))
		return false;
	rest = str_after(rest, 2);
	out->request = str_first(rest, str_find(rest, '"'));
	rest = str_after(rest, out->request.len);
	if (!str_starts(rest, STR("\" ")))
		return false;
	out->kind = LOG_LINE_ACCESS;
	read_access_end(str_after(rest, 2), out);
	return out->status > 0;
}

/* ---- callspool's journal ---- */

/* The time may stand in the line, or before it where journald put it. */
static int64_t journal_time(struct str line)
{
	size_t at = str_find_str(line, STR("time="));
	int64_t at_s;

	if (at < line.len && log_time_iso(str_after(line, at + 5), &at_s))
		return at_s;
	return log_time_iso(line, &at_s) ? at_s : 0;
}

static bool read_journal(struct str line, struct log_line *out)
{
	size_t level = str_find_str(line, STR("level="));
	struct str rest = str_after(line, level), id;

	if (rest.len == 0 || str_find_str(rest, STR(" msg=\"")) == rest.len)
		return false;
	id = word(rest, STR(" request="));
	out->kind = LOG_LINE_JOURNAL;
	out->at_s = journal_time(line);
	out->request_id = id;
	out->message = str_after(rest, str_find_str(rest, STR(" msg=\"")) + 6);
	if (out->message.len > 0 && out->message.at[out->message.len - 1] == '"')
		out->message.len--;
	return true;
}

/* ---- the back end that callspool replaces ---- */

static bool read_backend(struct str line, struct log_line *out)
{
	static const struct str marks[] = {
		{ "Download recording: ", 20 },   { "[RECORDING_SERVICE]", 19 },
		{ "WORKER TIMEOUT", 14 },         { "was sent SIGKILL", 16 },
		{ "Traceback (most recent", 22 }, { "Exception in worker process", 27 },
		{ "Worker failed to boot", 21 },  { "Exception on /", 14 },
		{ "Error handling request", 22 }, { "Exception in ASGI application", 29 },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size_t at = str_find_str(line, marks[i]);

		if (at == line.len)
			continue;
		out->kind = LOG_LINE_BACKEND;
		out->message = str_after(line, at);
		if (!log_time_iso(str_after(line, line.at[0] == '['), &out->at_s))
			out->at_s = 0;
		return true;
	}
	return false;
}

/* ---- JSON ---- */

static struct str json_any(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++) {
		const json_t *value = json_object_get(object, *keys);

		if (json_is_string(value))
			return (struct str){ json_string_value(value), json_string_length(value) };
	}
	return STR_NONE;
}

/* A number, or a text that is one; "502, 200" of several tries is the last. */
static int json_status(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	struct str text = str_of(json_string_value(value)), piece;
	int status = json_is_integer(value) && json_integer_value(value) < 1000
			     ? (int)json_integer_value(value)
			     : 0;

	while (text.at && str_cut(&text, ',', &piece))
		status = number_of(str_trim(piece));
	return status;
}

static int64_t json_time(const json_t *object)
{
	static const char *const keys[] = { "time_iso8601", "@timestamp", "timestamp", "time_local",
					    "time",         "ts",         NULL };
	const json_t *msec = json_object_get(object, "msec");
	struct str text = json_any(object, keys);
	int64_t at_s;

	if (text.at && (log_time_iso(text, &at_s) || log_time_combined(text, &at_s)))
		return at_s;
	if (json_is_number(msec))
		return (int64_t)json_number_value(msec);
	return json_is_string(msec) ? milliseconds_of(str_of(json_string_value(msec))) / 1000 : 0;
}

/* Kept beyond the object's life. */
static struct str keep(struct str text, char **room, size_t *left)
{
	struct str kept = { *room, text.len < *left ? text.len : *left };

	if (!text.at)
		return STR_NONE;
	memcpy(*room, text.at, kept.len);
	*room += kept.len;
	*left -= kept.len;
	return kept;
}

static struct str json_request(const json_t *object, char text[1024])
{
	static const char *const requests[] = { "request", NULL };
	static const char *const methods[] = { "request_method", "method", NULL };
	static const char *const paths[] = { "request_uri", "uri", "path", NULL };
	struct str request = json_any(object, requests);
	struct str method = json_any(object, methods), path = json_any(object, paths);

	if (request.at || !path.at)
		return request;
	snprintf(text, 1024, "%.*s %.*s HTTP/1.1", STR_ARG(str_first(method, 16)),
		 STR_ARG(str_first(path, 900)));
	return str_of(text);
}

static void read_json_access(const json_t *object, char *room, struct log_line *out)
{
	static const char *const ids[] = { "request_id", "id", NULL };
	static const char *const ranges[] = { "http_range", "range", NULL };
	const json_t *took = json_object_get(object, "request_time");
	size_t left = LOG_LINE_ROOM;
	char text[1024];

	out->status = json_status(object, "status");
	if (out->status == 0)
		return;
	out->kind = LOG_LINE_ACCESS;
	out->at_s = json_time(object);
	out->upstream_status = json_status(object, "upstream_status");
	out->took_ms = json_is_number(took)   ? (int64_t)(json_number_value(took) * 1000)
		       : json_is_string(took) ? milliseconds_of(str_of(json_string_value(took)))
					      : -1;
	out->request = keep(json_request(object, text), &room, &left);
	out->request_id = keep(json_any(object, ids), &room, &left);
	out->range = keep(json_any(object, ranges), &room, &left);
	if (out->range.len == 0 || str_eq(out->range, STR("-")))
		out->range = STR_NONE;
}

static void read_plain(struct str line, struct log_line *out);

/* What is wrapped in "log" (Docker), "MESSAGE" (journald) or "message" is a line of its own. */
static struct str wrapped(const json_t *object)
{
	static const char *const wraps[] = { "log", "MESSAGE", "message", NULL };

	return json_any(object, wraps);
}

static void read_object(const json_t *object, char room[LOG_LINE_ROOM], struct log_line *out)
{
	struct str inner = wrapped(object);
	char *at = room;
	size_t left = LOG_LINE_ROOM;

	if (inner.at)
		read_plain(without_end(keep(inner, &at, &left)), out);
	else
		read_json_access(object, room, out);
}

/* The line that is wrapped may be JSON itself, that may wrap one more. */
static void read_json(struct str line, char room[LOG_LINE_ROOM], struct log_line *out)
{
	json_t *object = json_loadb(line.at, line.len, 0, NULL), *within = NULL;
	struct str inner = wrapped(object);

	if (str_starts(inner, STR("{")))
		within = json_loadb(inner.at, inner.len, 0, NULL);
	read_object(within ? within : object, room, out);
	if (out->kind != LOG_LINE_OTHER && out->at_s == 0)
		out->at_s = json_time(object);
	json_decref(within);
	json_decref(object);
}

/* ---- which of them ---- */

static void read_plain(struct str line, struct log_line *out)
{
	if (read_error(line, out) || read_journal(line, out) || read_access(line, out) ||
	    read_backend(line, out))
		return;
	*out = (struct log_line){ .took_ms = -1 };
}

static void read_any(struct str line, char room[LOG_LINE_ROOM], struct log_line *out)
{
	*out = (struct log_line){ .took_ms = -1 };
	if (line.len > 0 && line.at[0] == '{')
		read_json(line, room, out);
	else if (line.len > 0)
		read_plain(line, out);
}

/* As it is, first: callspool and back ends begin with a time of their own. */
void log_line_read(struct str line, char room[LOG_LINE_ROOM], struct log_line *out)
{
	struct str rest = STR_NONE;
	int64_t stamped_s = 0;

	line = without_compose(without_end(line));
	read_any(line, room, out);
	if (out->kind == LOG_LINE_OTHER)
		rest = without_stamp(line, &stamped_s);
	if (rest.len == 0)
		return;
	read_any(rest, room, out);
	if (out->kind != LOG_LINE_OTHER && out->at_s == 0)
		out->at_s = stamped_s;
}
