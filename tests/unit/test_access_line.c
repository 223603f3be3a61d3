#include "accesslog/access_line.h"
#include "tap.h"

#include <stdlib.h>

#define DATE "14/Oct/2016:21:56:34 +0000"
#define ID   "3f9c2a7b11d04e58"

static void add(struct buf *line, const struct access_request *request, int status, int64_t took_ms)
{
	const struct access_reply reply = { .date = STR(DATE),
					    .id = STR(ID),
					    .status = status,
					    .sent_bytes = 2,
					    .took_ms = took_ms };

	access_line_add(line, request, &reply);
}

static const struct access_request usual = {
	.client = { "203.0.113.7", 11 },
	.user = { "Zk3_x81Q", 8 },
	.method = { "GET", 3 },
	.target = { "/api/calls", 10 },
	.referer = { "https://crm.example.com/", 24 },
	.agent = { "Mozilla/5.0 (X11)", 17 },
	.minor_version = 1,
};

static void test_lines(void)
{
	static const struct access_request nothing = { .minor_version = 1 };
	static const struct access_request old = { .client = { "::1", 3 },
						   .method = { "HEAD", 4 },
						   .target = { "*", 1 },
						   .minor_version = 0 };
	static const struct {
		const struct access_request *request;
		int status;
		int64_t took_ms;
		const char *want, *name;
	} cases[] = {
		{ &usual, 206, 4,
		  "203.0.113.7 - Zk3_x81Q [" DATE "] \"GET /api/calls HTTP/1.1\" 206 2 "
		  "\"https://crm.example.com/\" \"Mozilla/5.0 (X11)\" 0.004 " ID "\n",
		  "all of it is there" },
		{ &nothing, 400, 0, "unix: - - [" DATE "] \"-\" 400 2 \"-\" \"-\" 0.000 " ID "\n",
		  "what came was no request, over a Unix socket, from nobody" },
		{ &old, 200, 61234,
		  "::1 - - [" DATE "] \"HEAD * HTTP/1.0\" 200 2 \"-\" \"-\" 61.234 " ID "\n",
		  "HTTP/1.0, and more than a minute" },
		{ &usual, 0, -5,
		  "203.0.113.7 - Zk3_x81Q [" DATE "] \"GET /api/calls HTTP/1.1\" 499 2 "
		  "\"https://crm.example.com/\" \"Mozilla/5.0 (X11)\" 0.000 " ID "\n",
		  "no answer is 499, and no time is below 0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[ACCESS_LINE_MAX + 1];
		struct buf line;

		buf_over(&line, text, sizeof(text));
		add(&line, cases[i].request, cases[i].status, cases[i].took_ms);
		IS_STR(buf_str(&line), str_of(cases[i].want), "%s", cases[i].name);
	}
}

static void test_escapes(void)
{
	static const struct {
		const char *agent, *want, *name;
	} cases[] = {
		{ "a\" 200 1 \"-", "\"a\\x22 200 1 \\x22-\"", "a quote does not end the field" },
		{ "a\\\"b", "\"a\\x5C\\x22b\"", "nor one behind a backslash" },
		{ "a\r\n203.0.113.9 - -", "\"a\\x0D\\x0A203.0.113.9 - -\"",
		  "a newline does not begin a line" },
		{ "\x1b[2J", "\"\\x1B[2J\"", "no terminal obeys it" },
		{ "\xc2\x9b", "\"\\xC2\\x9B\"", "nor the control characters above ASCII" },
		{ "\x7f\t", "\"\\x7F\\x09\"", "DEL and a tab" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct access_request request = usual;
		char text[ACCESS_LINE_MAX + 1];
		struct buf line;

		request.agent = str_of(cases[i].agent);
		buf_over(&line, text, sizeof(text));
		add(&line, &request, 200, 0);
		OK(str_find_str(buf_str(&line), str_of(cases[i].want)) < line.len, "%s",
		   cases[i].name);
		IS_INT(str_find(buf_str(&line), '\n'), line.len - 1, "one line: %s", cases[i].name);
	}
}

static void test_unquoted(void)
{
	struct access_request request = usual;
	char text[ACCESS_LINE_MAX + 1];
	struct buf line;

	request.client = STR("203.0.113.7 - root");
	request.user = STR("dana levi]");
	buf_over(&line, text, sizeof(text));
	add(&line, &request, 200, 0);
	OK(str_starts(buf_str(&line),
		      STR("203.0.113.7\\x20-\\x20root - dana\\x20levi] [" DATE "]")),
	   "a space in a name moves no field");
}

/* As long as can be, of what is written as it is and of what takes four bytes. */
static void test_lengths(void)
{
	static const char fillers[] = { 'x', '"' };
	static char long_text[20000];

	for (size_t i = 0; i < sizeof(fillers); i++) {
		struct str all = { long_text, sizeof(long_text) };
		const struct access_request request = { all, all, all, all, all, all, 1 };
		struct buf line;
		char *room = malloc(2 * ACCESS_LINE_MAX);

		memset(long_text, fillers[i], sizeof(long_text));
		buf_over(&line, room, 2 * ACCESS_LINE_MAX);
		add(&line, &request, 200, INT64_MAX);
		OK(line.len <= ACCESS_LINE_MAX, "a line of '%c' is %zu bytes long", fillers[i],
		   line.len);
		OK(str_find_str(buf_str(&line), STR("...\" \"")) < line.len,
		   "what was cut says so");
		OK(str_ends(buf_str(&line), STR(" " ID "\n")), "and the id stands at its end");
		free(room);
	}
}

int main(void)
{
	test_lines();
	test_escapes();
	test_unquoted();
	test_lengths();
	return tap_end();
}
