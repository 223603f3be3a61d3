#include "base/buf.h"
#include "http/http_chunked.h"
#include "tap.h"

static const struct {
	const char *name, *text;
	enum http_chunked_result result;
	const char *body, *left;
} cases[] = {
	{ "one chunk", "5\r\nhello\r\n0\r\n\r\n", HTTP_CHUNKED_DONE, "hello", "" },
	{ "two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", HTTP_CHUNKED_DONE, "hello!", "" },
	{ "an empty body", "0\r\n\r\n", HTTP_CHUNKED_DONE, "", "" },
	{ "what follows is left", "1\r\na\r\n0\r\n\r\nGET /", HTTP_CHUNKED_DONE, "a", "GET /" },
	{ "digits of either case", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
	  HTTP_CHUNKED_DONE, "01234567890123456789", "" },
	{ "zeros in front", "0005\r\nhello\r\n000\r\n\r\n", HTTP_CHUNKED_DONE, "hello", "" },
	{ "an extension", "5;name=\"value\"\r\nhello\r\n0;x\r\n\r\n", HTTP_CHUNKED_DONE, "hello",
	  "" },
	{ "a trailer", "1\r\na\r\n0\r\nDigest: x\r\n\r\n", HTTP_CHUNKED_DONE, "a", "" },
	{ "CRLF in the data", "2\r\n\r\n\r\n0\r\n\r\n", HTTP_CHUNKED_DONE, "\r\n", "" },
	{ "not over yet", "5\r\nhel", HTTP_CHUNKED_MORE, "hel", "" },
	{ "no size", "\r\nhello", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a sign", "+5\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a minus", "-5\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "0x", "0x5\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a space before the size", " 5\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a space behind the size", "5 \r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a space before the extension", "5 ;x\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "not a digit", "5g\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a size of 16 digits", "1000000000000000\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a size that wraps around", "100000000000000005\r\nhello\r\n0\r\n\r\n",
	  HTTP_CHUNKED_REFUSED, "", NULL },
	{ "bare LF behind the size", "5\nhello\r\n0\r\n\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "bare LF behind the data", "5\r\nhello\n0\r\n\r\n", HTTP_CHUNKED_REFUSED, "hello", NULL },
	{ "data longer than said", "5\r\nhello!\r\n0\r\n\r\n", HTTP_CHUNKED_REFUSED, "hello",
	  NULL },
	{ "a bare CR in the extension", "5;a\rb\r\nhello\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a trailer without a colon", "0\r\nrubbish\r\n\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", HTTP_CHUNKED_REFUSED, "", NULL },
	{ "bare LF at the end", "0\r\n\n", HTTP_CHUNKED_REFUSED, "", NULL },
};

/* Feeds `step` bytes at a time. */
static enum http_chunked_result read_in_steps(struct str text, size_t step, struct buf *body,
					      struct str *left)
{
	struct http_chunked chunked;
	enum http_chunked_result result = HTTP_CHUNKED_MORE;
	struct str bytes, piece;

	http_chunked_start(&chunked);
	while (text.len > 0 && result == HTTP_CHUNKED_MORE) {
		bytes = str_first(text, step);
		text = str_after(text, step);
		while ((result = http_chunked_read(&chunked, &bytes, &piece)) == HTTP_CHUNKED_PIECE)
			buf_add_str(body, piece);
		text = (struct str){ text.at - bytes.len, text.len + bytes.len };
	}
	*left = text;
	return result;
}

static void test_case(size_t i, size_t step)
{
	char memory[256];
	struct buf body;
	struct str left;

	buf_over(&body, memory, sizeof(memory));
	IS_INT(read_in_steps(str_of(cases[i].text), step, &body, &left), cases[i].result,
	       "%s, %zu at a time", cases[i].name, step);
	IS_STR(buf_str(&body), str_of(cases[i].body), "%s: the body", cases[i].name);
	if (cases[i].left)
		IS_STR(left, str_of(cases[i].left), "%s: what is left", cases[i].name);
}

static void test_long(const char *name, const char *start, size_t repeats, const char *middle,
		      const char *end, enum http_chunked_result wanted)
{
	struct buf text, body;
	struct str left;

	buf_init(&text, 100000);
	buf_init(&body, 100000);
	buf_add_text(&text, start);
	for (size_t i = 0; i < repeats; i++)
		buf_add_text(&text, middle);
	buf_add_text(&text, end);
	IS_INT(read_in_steps(buf_str(&text), 1000, &body, &left), wanted, "%s", name);
	buf_release(&text);
	buf_release(&body);
}

int main(void)
{
	static const size_t steps[] = { 1, 2, 3, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t n = 0; n < ARRAY_LEN(steps); n++)
			test_case(i, steps[n]);
	test_long("an extension that fits", "1;", 200, "x", "\r\na\r\n0\r\n\r\n",
		  HTTP_CHUNKED_DONE);
	test_long("an endless extension", "1;", 300, "x", "", HTTP_CHUNKED_REFUSED);
	test_long("many extensions", "", 100,
		  "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n", "0\r\n\r\n",
		  HTTP_CHUNKED_REFUSED);
	test_long("many trailers", "0\r\n", 100,
		  "Name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", "\r\n",
		  HTTP_CHUNKED_REFUSED);
	test_long("an endless trailer", "0\r\nName: ", 2000, "x", "", HTTP_CHUNKED_REFUSED);
	test_long("an endless size", "", 300, "0", "", HTTP_CHUNKED_REFUSED);
	return tap_end();
}
