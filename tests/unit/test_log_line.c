#include "proxylog/log_line.h"

#include "base/compiler.h"
#include "tap.h"

#include <stdlib.h>

#define GET  "GET /api/calls/CA1/download HTTP/1.1"
#define NOON 1795953784 /* 2026-11-29T12:03:04Z */

static const struct {
	const char *name, *line;
	enum log_line_kind kind;
	int64_t at_s;
	int status, upstream_status;
	int64_t took_ms;
	const char *request, *id, *message, *range;
} cases[] = {
	{ "an error of nginx",
	  "2026/11/29 12:03:04 [error] 29#29: *45 connect() failed (111: Connection refused) while connecting to "
	  "upstream, client: 203.0.113.7, server: _, request: \"" GET
	  "\", upstream: \"http://127.0.0.1:5000/\"",
	  LOG_LINE_ERROR, NOON, 0, 0, -1, GET, NULL,
	  "connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, "
	  "server: _, request: \"" GET "\", upstream: \"http://127.0.0.1:5000/\"",
	  NULL },
	{ "one of no request",
	  "2026/11/29 12:03:04 [alert] 29#29: 1024 worker_connections are not enough",
	  LOG_LINE_ERROR, NOON, 0, 0, -1, NULL, NULL, "1024 worker_connections are not enough",
	  NULL },
	{ "the same by docker compose",
	  "nginx-1    | 2026/11/29 12:03:04 [emerg] 1#1: host not found in upstream \"backend\"",
	  LOG_LINE_ERROR, NOON, 0, 0, -1, NULL, NULL, "host not found in upstream \"backend\"",
	  NULL },
	{ "an access, combined",
	  "203.0.113.7 - dana [29/Nov/2026:12:03:04 +0000] \"" GET
	  "\" 502 157 \"-\" \"AppleCoreMedia/1.0\"",
	  LOG_LINE_ACCESS, NOON, 502, 0, -1, GET, NULL, NULL, NULL },
	{ "in another zone, with a line end of Windows",
	  "203.0.113.7 - - [29/Nov/2026:14:03:04 +0200] \"" GET "\" 200 157 \"-\" \"x\"\r",
	  LOG_LINE_ACCESS, NOON, 200, 0, -1, GET, NULL, NULL, NULL },
	{ "an access in the packaged format",
	  "203.0.113.7 [2026-11-29T12:03:04+00:00] \"" GET
	  "\" 206 2 range=\"bytes=0-1\" id=abc upstream=206 "
	  "first_byte=0.001 all=25.002",
	  LOG_LINE_ACCESS, NOON, 206, 206, 25002, GET, "abc", NULL, "bytes=0-1" },
	{ "of no Range, and of no back end",
	  "203.0.113.7 [2026-11-29T12:03:04+00:00] \"" GET
	  "\" 502 2 range=\"-\" id=abc upstream=- first_byte=- all=0.000",
	  LOG_LINE_ACCESS, NOON, 502, 0, 0, GET, "abc", NULL, NULL },
	{ "an access in JSON",
	  "{\"time_iso8601\":\"2026-11-29T12:03:04Z\",\"request\":\"" GET
	  "\",\"status\":\"504\",\"upstream_status\":"
	  "\"502, 504\",\"request_time\":\"60.001\",\"request_id\":\"abc\",\"http_range\":\"bytes=0-\"}",
	  LOG_LINE_ACCESS, NOON, 504, 504, 60001, GET, "abc", NULL, "bytes=0-" },
	{ "in JSON with numbers and pieces",
	  "{\"msec\":1795953784.123,\"request_method\":\"GET\",\"uri\":\"/api/calls/CA1/download\",\"status\":499,\"request_time\":2.5}",
	  LOG_LINE_ACCESS, NOON, 499, 0, 2500, GET, NULL, NULL, NULL },
	{ "an error in a JSON file of Docker",
	  "{\"log\":\"2026/11/29 12:03:04 [error] 1#1: *4 no live upstreams\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-29T12:03:04.5Z\"}",
	  LOG_LINE_ERROR, NOON, 0, 0, -1, NULL, NULL, "no live upstreams", NULL },
	{ "a line of callspool's journal",
	  "time=2026-11-29T12:03:04.123Z level=info request=abc msg=\"recording RE1: again in 2 s\"",
	  LOG_LINE_JOURNAL, NOON, 0, 0, -1, NULL, "abc", "recording RE1: again in 2 s", NULL },
	{ "by journald, with its own time",
	  "2026-11-29T12:03:04+00:00 host callspool[7]: <6>level=warn msg=\"no\"", LOG_LINE_JOURNAL,
	  NOON, 0, 0, -1, NULL, NULL, "no", NULL },
	{ "callspool's access log",
	  "203.0.113.7 - Zk3_x81Q [29/Nov/2026:12:03:04 +0000] \"" GET
	  "\" 503 2 \"-\" \"x\" 25.000 abc",
	  LOG_LINE_OWN, NOON, 503, 0, 25000, GET, "abc", NULL, NULL },
	{ "a worker of gunicorn's that was killed",
	  "[2026-11-29 12:03:04 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:8)", LOG_LINE_BACKEND,
	  NOON, 0, 0, -1, NULL, NULL, "WORKER TIMEOUT (pid:8)", NULL },
	{ "the back end that is replaced",
	  "backend-1  | ERROR:app:Download recording: No recording_url for call_sid=CA1",
	  LOG_LINE_BACKEND, 0, 0, 0, -1, NULL, NULL,
	  "Download recording: No recording_url for call_sid=CA1", NULL },
	{ "an empty line", "", LOG_LINE_OTHER, 0, 0, 0, -1, NULL, NULL, NULL, NULL },
	{ "a prefix alone", "nginx-1 | ", LOG_LINE_OTHER, 0, 0, 0, -1, NULL, NULL, NULL, NULL },
	{ "what is no log", "the quick brown fox", LOG_LINE_OTHER, 0, 0, 0, -1, NULL, NULL, NULL,
	  NULL },
	{ "an access without a status",
	  "203.0.113.7 - - [29/Nov/2026:12:03:04 +0000] \"" GET "\" - -", LOG_LINE_OTHER, 0, 0, 0,
	  -1, NULL, NULL, NULL, NULL },
	{ "a date that is none", "2026/13/99 12:03 [error] x", LOG_LINE_OTHER, 0, 0, 0, -1, NULL,
	  NULL, NULL, NULL },
	{ "JSON that breaks off", "{\"status\":502", LOG_LINE_OTHER, 0, 0, 0, -1, NULL, NULL, NULL,
	  NULL },
	{ "JSON of something else", "{\"level\":\"info\"}", LOG_LINE_OTHER, 0, 0, 0, -1, NULL, NULL,
	  NULL, NULL },
	{ "a request that is none",
	  "203.0.113.7 - - [29/Nov/2026:12:03:04 +0000] \"\\x16\\x03\" 400 157 \"-\" \"-\"",
	  LOG_LINE_ACCESS, NOON, 400, 0, -1, "\\x16\\x03", NULL, NULL, NULL },
};

int main(void)
{
	static char room[LOG_LINE_ROOM];

	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_line line;

		log_line_read(str_of(cases[i].line), room, &line);
		IS_INT(line.kind, cases[i].kind, "%s: which log", cases[i].name);
		IS_INT(line.at_s, cases[i].at_s, "%s: when", cases[i].name);
		IS_INT(line.status, cases[i].status, "%s: status", cases[i].name);
		IS_INT(line.upstream_status, cases[i].upstream_status, "%s: the back end's status",
		       cases[i].name);
		IS_INT(line.took_ms, cases[i].took_ms, "%s: how long", cases[i].name);
		IS_STR(line.request, str_of(cases[i].request), "%s: request", cases[i].name);
		IS_STR(line.request_id, str_of(cases[i].id), "%s: id", cases[i].name);
		IS_STR(line.message, str_of(cases[i].message), "%s: message", cases[i].name);
		IS_STR(line.range, str_of(cases[i].range), "%s: Range", cases[i].name);
	}
	return tap_end();
}
