#include "base/buf.h"
#include "base/mem.h"
#include "http/http_parse.h"
#include "tap.h"

#define HOST "Host: h\r\n"

static const struct {
	const char *name, *text;
	int status; /* of the refusal; 0: parses; 1: wants more */
} cases[] = {
	{ "the simplest request", "GET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "one empty line in front", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "an unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "a host with a port", "GET / HTTP/1.1\r\nHost: example.org:8080\r\n\r\n", 0 },
	{ "an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0 },
	{ "space around values", "GET / HTTP/1.1\r\nHost: \t h \t\r\nA:\r\nB:x\r\n\r\n", 0 },
	{ "bytes above ASCII in a value", "GET / HTTP/1.1\r\n" HOST "A: \xc3\xa9\r\n\r\n", 0 },
	{ "absolute form with the right host", "GET http://H/x HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "absolute form, https", "GET https://h HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "a length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0 },
	{ "chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0 },
	{ "100-continue",
	  "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", 0 },
	{ "a method of 32 letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n" HOST "\r\n",
	  0 },

	{ "nothing yet", "", 1 },
	{ "half a line", "GET / HT", 1 },
	{ "no empty line yet", "GET / HTTP/1.1\r\n" HOST, 1 },
	{ "half an end", "GET / HTTP/1.1\r\n" HOST "\r", 1 },

	/* Smuggling: what two parsers may read differently. */
	{ "length and chunks",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	  400 },
	{ "chunks and length",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
	  400 },
	{ "two lengths",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400 },
	{ "two equal lengths",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400 },
	{ "a signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400 },
	{ "a negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", 400 },
	{ "a hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400 },
	{ "an empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400 },
	{ "a length that overflows",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 400 },
	{ "a length beyond signed",
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400 },
	{ "gzip, chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	  400 },
	{ "identity", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 400 },
	{ "xchunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 400 },
	{ "chunked twice",
	  "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	  400 },
	{ "chunked, then identity",
	  "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
	  400 },
	{ "a vertical tab before chunked",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n", 400 },
	{ "chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "a space before the colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n",
	  400 },
	{ "a tab before the colon",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n", 400 },
	{ "a folded header", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
	{ "a header folded with a tab", "GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n", 400 },
	{ "a fold as the first header", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400 },
	{ "bare LF behind the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400 },
	{ "bare LF behind a header", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400 },
	{ "bare LF at the end", "GET / HTTP/1.1\r\n" HOST "\n", 400 },
	{ "all bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400 },
	{ "a bare CR in a value", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400 },
	{ "two CRs at the end of a line", "GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", 400 },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "two hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400 },
	{ "an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
	{ "a host with a user", "GET / HTTP/1.1\r\nHost: user@h\r\n\r\n", 400 },
	{ "a host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400 },
	{ "a list of hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400 },
	{ "a host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "a host with a port of letters", "GET / HTTP/1.1\r\nHost: h:http\r\n\r\n", 400 },
	{ "a host with two ports", "GET / HTTP/1.1\r\nHost: h:1:2\r\n\r\n", 400 },
	{ "an IPv6 host alone", "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", 0 },
	{ "an IPv4 address in an IPv6 one", "GET / HTTP/1.1\r\nHost: [::ffff:192.0.2.1]\r\n\r\n",
	  0 },
	{ "an empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", 0 },
	{ "an empty port of an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:\r\n\r\n", 0 },
	{ "the last port", "GET / HTTP/1.1\r\nHost: h:65535\r\n\r\n", 0 },
	{ "a dot at the end of a name", "GET / HTTP/1.1\r\nHost: a.b.\r\n\r\n", 0 },
	{ "a port beyond the last", "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400 },
	{ "a port of six digits", "GET / HTTP/1.1\r\nHost: h:098777\r\n\r\n", 400 },
	{ "a dot for a name", "GET / HTTP/1.1\r\nHost: .\r\n\r\n", 400 },
	{ "dots before a name", "GET / HTTP/1.1\r\nHost: ..x\r\n\r\n", 400 },
	{ "two dots in a name", "GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", 400 },
	{ "two dots behind a name", "GET / HTTP/1.1\r\nHost: a..\r\n\r\n", 400 },
	{ "an IPv6 host of colons", "GET / HTTP/1.1\r\nHost: [::::]\r\n\r\n", 400 },
	{ "an IPv6 host of too many pieces", "GET / HTTP/1.1\r\nHost: [1:2:3:4:5:6:7:8:9]\r\n\r\n",
	  400 },
	{ "an IPv6 host of too few", "GET / HTTP/1.1\r\nHost: [1:2]\r\n\r\n", 400 },
	{ "an IPv6 host with a port without its colon", "GET / HTTP/1.1\r\nHost: [::1]8080\r\n\r\n",
	  400 },
	{ "an IPv6 host with a letter behind it", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400 },
	{ "an IPv6 host without its end", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400 },
	{ "an IPv6 host with rubbish", "GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", 400 },
	{ "absolute form with another host", "GET http://other/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "absolute form with a user", "GET http://u@h/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "absolute form without a host", "GET http:/// HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "absolute form in HTTP/1.0 without a Host", "GET http://h/ HTTP/1.0\r\n\r\n", 400 },
	{ "another scheme", "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "no scheme, the host behind one byte", "GET xh/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "CONNECT", "CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET *", "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a fragment", "GET /x#y HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a space in the target", "GET /x y HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a tab for a space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
	{ "a space in front", " GET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "bytes above ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "an empty header name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400 },
	{ "a header without a colon", "GET / HTTP/1.1\r\n" HOST "rubbish\r\n\r\n", 400 },
	{ "a space in a header name", "GET / HTTP/1.1\r\n" HOST "A B: x\r\n\r\n", 400 },
	{ "bytes above ASCII in a header name", "GET / HTTP/1.1\r\n" HOST "\xc3\xa9: x\r\n\r\n",
	  400 },
	{ "a control byte in a value", "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", 400 },
	{ "DEL in a value", "GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", 400 },
	{ "two ranges", "GET / HTTP/1.1\r\n" HOST "Range: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n",
	  400 },
	{ "two authorizations",
	  "GET / HTTP/1.1\r\n" HOST "Authorization: a\r\nauthorization: b\r\n\r\n", 400 },
	{ "two content types",
	  "GET / HTTP/1.1\r\n" HOST "Content-Type: a\r\nContent-Type: b\r\n\r\n", 400 },
	{ "no method", "/ HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "HTTP/0.9", "GET /\r\n\r\n", 400 },
	{ "a method of 33 letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST "\r\n",
	  400 },
	{ "a method with a bracket", "G[T / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "lower-case http", "GET / http/1.1\r\n" HOST "\r\n", 400 },
	{ "HTTP/1", "GET / HTTP/1\r\n" HOST "\r\n", 400 },
	{ "HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400 },
	{ "HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505 },
	{ "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	{ "a TLS handshake", "\x16\x03\x01", 400 },
	{ "another expectation", "POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", 417 },
};

/* The result with `step` more bytes at each call. */
static int parse_in_steps(struct http_parse *parse, struct http_request *request, struct str text,
			  size_t step)
{
	enum http_parse_result result = HTTP_PARSE_MORE;
	size_t here = 0;

	http_parse_start(parse, request);
	while (result == HTTP_PARSE_MORE && here < text.len) {
		here = here + step < text.len ? here + step : text.len;
		result = http_parse_head(parse, request, text.at, here);
	}
	return result == HTTP_PARSE_MORE   ? 1
	       : result == HTTP_PARSE_DONE ? 0
					   : parse->refusal.status;
}

static void test_cases(void)
{
	static const size_t steps[] = { 100000, 1, 2, 7 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t n = 0; n < ARRAY_LEN(steps); n++) {
			struct http_parse parse;
			struct http_request request;

			IS_INT(parse_in_steps(&parse, &request, str_of(cases[i].text), steps[n]),
			       cases[i].status, "%s, %zu at a time", cases[i].name, steps[n]);
		}
}

static void test_nul(void)
{
	static const struct str texts[] = {
		STR("GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
		STR("GET / HTTP/1.1\r\n" HOST "A: \0\r\n\r\n"),
		STR("GET / HTTP/1.1\r\n" HOST "A\0: x\r\n\r\n"),
		STR("G\0T / HTTP/1.1\r\n" HOST "\r\n"),
		STR("GET / HTTP/1.1\r\nHost: h\0\r\n\r\n"),
		STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\0\r\n\r\n"),
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct http_parse parse;
		struct http_request request;

		IS_INT(parse_in_steps(&parse, &request, texts[i], 1000), 400, "NUL, %zu", i);
	}
}

static void test_result(void)
{
	static const struct str text = STR(
		"POST http://h:80/a%20b?c=d?e HTTP/1.1\r\nHOST: H:80\r\nrange: bytes=0-1\r\n"
		"X-Twilio-Signature:  s \r\nX-Other: 1\r\nx-other: 2\r\nExpect: 100-continue\r\n"
		"Content-Length: 5\r\nConnection: foo , close\r\n\r\nhello");
	struct http_parse parse;
	struct http_request request;

	IS_INT(parse_in_steps(&parse, &request, text, 3), 0, "a request with everything");
	IS_INT(request.method, HTTP_POST, "its method");
	IS_STR(request.method_text, STR("POST"), "its method as text");
	IS_STR(request.target, STR("http://h:80/a%20b?c=d?e"), "the target stays as it came");
	IS_STR(request.path, STR("/a%20b"), "the path");
	IS_STR(request.query, STR("c=d?e"), "the query");
	IS_INT(request.minor_version, 1, "the version");
	IS_STR(request.known[HTTP_HOST], STR("H:80"), "the host");
	IS_STR(request.known[HTTP_RANGE], STR("bytes=0-1"), "the range");
	IS_STR(request.known[HTTP_X_TWILIO_SIGNATURE], STR("s"), "the signature, trimmed");
	OK(request.known[HTTP_COOKIE].at == NULL, "no cookie");
	IS_STR(http_request_header(&request, STR("X-OTHER")), STR("1"),
	       "any header by its name, the first of them");
	OK(http_request_header(&request, STR("X-None")).at == NULL, "no such header");
	IS_INT(request.header_count, 8, "how many headers");
	OK(parse.has_content_length && parse.content_length == 5, "the length");
	OK(parse.expects_continue, "100-continue is expected");
	OK(!parse.keep_alive, "Connection: close");
	IS_STR(str_after(text, parse.head_len), STR("hello"), "where the body begins");
}

static const char *const names[HTTP_KNOWN_HEADERS] = {
	[HTTP_HOST] = "Host",
	[HTTP_RANGE] = "Range",
	[HTTP_IF_RANGE] = "If-Range",
	[HTTP_IF_MATCH] = "If-Match",
	[HTTP_IF_NONE_MATCH] = "If-None-Match",
	[HTTP_IF_MODIFIED_SINCE] = "If-Modified-Since",
	[HTTP_IF_UNMODIFIED_SINCE] = "If-Unmodified-Since",
	[HTTP_CONTENT_TYPE] = "Content-Type",
	[HTTP_AUTHORIZATION] = "Authorization",
	[HTTP_ORIGIN] = "Origin",
	[HTTP_COOKIE] = "Cookie",
	[HTTP_UPGRADE] = "Upgrade",
	[HTTP_SEC_FETCH_SITE] = "Sec-Fetch-Site",
	[HTTP_X_REQUEST_ID] = "X-Request-Id",
	[HTTP_X_TWILIO_SIGNATURE] = "X-Twilio-Signature",
	[HTTP_I_TWILIO_IDEMPOTENCY_TOKEN] = "I-Twilio-Idempotency-Token",
};

/* Each header that has a number is found by it, however it is written, and none that only looks like it. */
static void test_known_names(void)
{
	for (size_t i = 0; i < HTTP_KNOWN_HEADERS; i++) {
		for (unsigned how = 0; how < 4; how++) {
			char name[32], text[128];
			struct http_parse parse;
			struct http_request request;
			bool is_other = how ==
					3; /* of the same length: its last letter is another */
			struct buf head;

			str_fit(str_of(names[i]), name, sizeof(name));
			for (char *at = name; *at; at++)
				*at = how == 1   ? ascii_upper(*at)
				      : how == 2 ? ascii_lower(*at)
						 : *at;
			if (is_other)
				name[strlen(name) - 1] = '~';
			buf_over(&head, text, sizeof(text));
			buf_addf(&head, "GET / HTTP/1.0\r\n%s: v\r\n\r\n", name);
			http_parse_start(&parse, &request);
			IS_INT(http_parse_head(&parse, &request, text, head.len), HTTP_PARSE_DONE,
			       "a request with %s", name);
			IS_STR(request.known[i], is_other ? STR_NONE : STR("v"), "%s", name);
		}
	}
}

static bool is_token_byte(unsigned byte)
{
	static const char marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110, 5.6.2 */

	return byte != 0 && byte < 0x80 &&
	       (ascii_is_digit((char)byte) ||
		(ascii_lower((char)byte) >= 'a' && ascii_lower((char)byte) <= 'z') ||
		strchr(marks, (int)byte));
}

/* What becomes of the name with that byte at that place?  Does the parser see it so? */
static bool is_read_right(enum http_known which, size_t place, char byte)
{
	char text[128];
	char meant = names[which][place];
	bool is_same = ascii_lower(byte) == ascii_lower(meant);
	struct http_parse parse;
	struct http_request request;
	enum http_parse_result result;
	struct buf head;

	buf_over(&head, text, sizeof(text));
	buf_addf(&head, "GET / HTTP/1.0\r\n%s: v\r\n\r\n", names[which]);
	text[sizeof("GET / HTTP/1.0\r\n") - 1 + place] = byte;
	http_parse_start(&parse, &request);
	result = http_parse_head(&parse, &request, text, head.len);
	if (!is_token_byte((uint8_t)byte) && byte != ':')
		return result == HTTP_PARSE_REFUSED;
	return (result == HTTP_PARSE_DONE || (byte == ':' && place == 0)) &&
	       (request.known[which].at != NULL) == is_same;
}

/* Names are looked at several bytes at once. */
static void test_known_name_bytes(void)
{
	unsigned wrong = 0;

	for (unsigned which = 0; which < HTTP_KNOWN_HEADERS; which++)
		for (size_t place = 0; names[which][place]; place++)
			for (unsigned byte = 0; byte < 256; byte++)
				wrong += !is_read_right((enum http_known)which, place, (char)byte);
	IS_INT(wrong, 0, "a byte of a known name, wherever it stands");
}

static void test_keep_alive(void)
{
	static const struct {
		const char *text;
		bool keep_alive;
	} lines[] = {
		{ "GET / HTTP/1.1\r\nHost: h\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
		  false },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
		  true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct http_parse parse;
		struct http_request request;

		IS_INT(parse_in_steps(&parse, &request, str_of(lines[i].text), 1000), 0,
		       "connection %zu", i);
		IS_INT(parse.keep_alive, lines[i].keep_alive, "connection %zu is kept alive or not",
		       i);
	}
}

static void test_limit(const char *name, const char *start, size_t repeats, const char *middle,
		       const char *end, int status)
{
	static const size_t steps[] = { 1000000, 1, 4096 };
	struct buf text;

	buf_init(&text, 1000000);
	buf_add_text(&text, start);
	for (size_t i = 0; i < repeats; i++)
		buf_add_text(&text, middle);
	buf_add_text(&text, end);
	for (size_t n = 0; n < ARRAY_LEN(steps); n++) {
		struct http_parse parse;
		struct http_request request;

		IS_INT(parse_in_steps(&parse, &request, buf_str(&text), steps[n]), status,
		       "%s, %zu at a time", name, steps[n]);
	}
	buf_release(&text);
}

static void test_limits(void)
{
	const char *end = " HTTP/1.1\r\n" HOST "\r\n";

	test_limit("a target of 8 KiB", "GET /", HTTP_TARGET_MAX - 1, "x", end, 0);
	test_limit("a target over 8 KiB", "GET /", HTTP_TARGET_MAX, "x", end, 414);
	test_limit("an endless target", "GET /", 20000, "x", "", 414);
	test_limit("an endless method", "", 20000, "X", "", 414);
	test_limit("64 headers", "GET / HTTP/1.1\r\n" HOST, HTTP_HEADERS_MAX - 1, "A: b\r\n",
		   "\r\n", 0);
	test_limit("65 headers", "GET / HTTP/1.1\r\n" HOST, HTTP_HEADERS_MAX, "A: b\r\n", "\r\n",
		   431);
	test_limit("a head of 16 KiB", "GET / HTTP/1.1\r\n" HOST "A: ", HTTP_HEAD_MAX - 32, "x",
		   "\r\n\r\n", 0);
	test_limit("a head over 16 KiB", "GET / HTTP/1.1\r\n" HOST "A: ", HTTP_HEAD_MAX - 31, "x",
		   "\r\n\r\n", 431);
	test_limit("an endless header", "GET / HTTP/1.1\r\n" HOST "A: ", 40000, "x", "", 431);
}

/* Each byte at each place of a value of any length: the parser looks at several at once. */
static void test_value_bytes(void)
{
	unsigned wrong = 0;

	for (size_t len = 1; len <= 52; len++) {
		for (size_t place = 0; place < len; place++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				/* RFC 9110, 5.5 */
				bool is_valid = byte == '\t' || (byte >= ' ' && byte != 0x7f);
				char line[] =
					"name:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
				struct http_header header;

				line[5 + place] = (char)byte;
				wrong += http_parse_field((struct str){ line, 5 + len }, &header) !=
					 is_valid;
			}
		}
	}
	IS_INT(wrong, 0, "a byte of a value, wherever it stands");
}

int main(void)
{
	test_value_bytes();
	test_cases();
	test_nul();
	test_result();
	test_known_names();
	test_known_name_bytes();
	test_keep_alive();
	test_limits();
	return tap_end();
}
