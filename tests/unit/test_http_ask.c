/* What is told of an answer; that one is got is for tests/server/doctor.test.js. */
#include "doctor/http_ask.h"

#include "base/str.h"
#include "tap.h"

#define HEAD                                                    \
	"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n" \
	"content-range:  bytes 0-1/4000 \r\nX-Empty:\r\nVia: a\r\nVia: b\r\n\r\n"

static const struct {
	const char *name;
	enum http_ask_end end;
	const char *why;
	long status;
	const char *head, *body;
	const char *want;
} cases[] = {
	{ "a part", HTTP_ASK_WHOLE, "", 206, HEAD, "ID",
	  "206, Content-Range bytes 0-1/4000, Content-Length 2, 2 bytes in 3 ms" },
	{ "without a header of interest", HTTP_ASK_WHOLE, "", 503, "HTTP/1.1 503 S\r\n\r\n", "",
	  "503, 0 bytes in 3 ms" },
	{ "one that breaks off", HTTP_ASK_SHORT, "the connection was closed", 200,
	  "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: audio/mpeg\r\nContent-Encoding: gzip\r\n\r\n",
	  "ID3",
	  "200, Content-Type audio/mpeg, Content-Length 9, Content-Encoding gzip, 3 bytes in 3 ms, "
	  "then the connection was closed" },
	{ "none", HTTP_ASK_NO_CONNECTION, "connection refused", 0, "", "",
	  "no answer: connection refused" },
};

static void fill(struct http_answer *answer, const char *head, const char *body)
{
	*answer = (struct http_answer){ .total_ms = 3 };
	buf_init(&answer->head, 1000);
	buf_init(&answer->body, 1000);
	buf_add_text(&answer->head, head);
	buf_add_text(&answer->body, body);
}

static void test_describe(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		__attribute__((cleanup(http_answer_release_at))) struct http_answer answer;
		char text[500];
		struct buf out;

		fill(&answer, cases[i].head, cases[i].body);
		answer.end = cases[i].end;
		answer.status = cases[i].status;
		snprintf(answer.why, sizeof(answer.why), "%s", cases[i].why);
		buf_over(&out, text, sizeof(text));
		http_answer_describe(&answer, &out);
		IS_STR(buf_str(&out), str_of(cases[i].want), "%s", cases[i].name);
	}
}

static void test_headers(void)
{
	__attribute__((cleanup(http_answer_release_at))) struct http_answer answer;

	fill(&answer, HEAD, "");
	IS_STR(http_answer_header(&answer, "Content-Range"), STR("bytes 0-1/4000"),
	       "a header, whatever its case, without blanks around");
	IS_STR(http_answer_header(&answer, "Via"), STR("a"), "the first of two");
	OK(http_answer_header(&answer, "X-Empty").at &&
		   http_answer_header(&answer, "X-Empty").len == 0,
	   "one that is empty is there");
	OK(!http_answer_header(&answer, "Range").at, "a part of a name is none");
}

int main(void)
{
	test_describe();
	test_headers();
	return tap_end();
}
