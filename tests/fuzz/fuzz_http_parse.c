/*
 * A head and a chunked body: in one piece and cut anywhere, the result is the same.  The first
 * four bytes seed where it is cut; the rest is what came.
 */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/http_chunked.h"
#include "http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct outcome {
	enum http_parse_result head;
	struct http_parse parse;
	struct http_request request;
	enum http_chunked_result body;
	struct buf body_bytes;
	size_t left;
};

/* How many bytes more: small ones often, now and then many. */
static size_t next_step(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 28 == 0 ? 1 + (*seed >> 8) % 5000 : 1 + (*seed >> 8) % 9;
}

static void read_body(struct outcome *outcome, struct str text, uint32_t *seed)
{
	struct http_chunked chunked;

	http_chunked_start(&chunked);
	outcome->body = HTTP_CHUNKED_MORE;
	while (text.len > 0 && outcome->body == HTTP_CHUNKED_MORE) {
		size_t step = seed ? next_step(seed) : text.len;
		struct str bytes = str_first(text, step), piece;

		text = str_after(text, bytes.len);
		while ((outcome->body = http_chunked_read(&chunked, &bytes, &piece)) ==
		       HTTP_CHUNKED_PIECE)
			buf_add_str(&outcome->body_bytes, piece);
		text = (struct str){ text.at - bytes.len, text.len + bytes.len };
	}
	outcome->left = outcome->body == HTTP_CHUNKED_DONE ? text.len : 0;
}

static void read_all(struct outcome *outcome, struct str text, uint32_t *seed)
{
	size_t here = 0;

	buf_clear(&outcome->body_bytes);
	outcome->head = HTTP_PARSE_MORE;
	outcome->body = HTTP_CHUNKED_MORE;
	outcome->left = 0;
	http_parse_start(&outcome->parse, &outcome->request);
	while (outcome->head == HTTP_PARSE_MORE && here < text.len) {
		size_t step = seed ? next_step(seed) : text.len;

		here = here + step < text.len ? here + step : text.len;
		outcome->head = http_parse_head(&outcome->parse, &outcome->request, text.at, here);
	}
	if (outcome->head == HTTP_PARSE_DONE && outcome->parse.chunked)
		read_body(outcome, str_after(text, outcome->parse.head_len), seed);
}

static void compare_requests(const struct http_request *a, const struct http_request *b)
{
	assert(a->method == b->method && a->minor_version == b->minor_version);
	assert(str_eq(a->target, b->target) && str_eq(a->path, b->path) &&
	       str_eq(a->query, b->query));
	assert(a->header_count == b->header_count);
	for (uint32_t i = 0; i < a->header_count; i++)
		assert(str_eq(a->headers[i].name, b->headers[i].name) &&
		       str_eq(a->headers[i].value, b->headers[i].value));
	for (size_t i = 0; i < HTTP_KNOWN_HEADERS; i++)
		assert(a->known[i].at == b->known[i].at && a->known[i].len == b->known[i].len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct outcome whole, cut;
	uint32_t seed;

	if (len < sizeof(seed))
		return 0;
	memcpy(&seed, bytes, sizeof(seed));
	buf_init(&whole.body_bytes, 1000000);
	buf_init(&cut.body_bytes, 1000000);

	struct str text = { (const char *)bytes + sizeof(seed), len - sizeof(seed) };

	read_all(&whole, text, NULL);
	read_all(&cut, text, &seed);
	assert(whole.head == cut.head);
	if (whole.head == HTTP_PARSE_DONE) {
		assert(whole.parse.head_len == cut.parse.head_len &&
		       whole.parse.head_len <= HTTP_HEAD_MAX);
		assert(whole.parse.chunked == cut.parse.chunked &&
		       whole.parse.keep_alive == cut.parse.keep_alive);
		assert(whole.parse.content_length == cut.parse.content_length);
		assert(!(whole.parse.chunked && whole.parse.has_content_length));
		compare_requests(&whole.request, &cut.request);
		assert(whole.body == cut.body && whole.left == cut.left);
		assert(str_eq(buf_str(&whole.body_bytes), buf_str(&cut.body_bytes)));
	} else if (whole.head == HTTP_PARSE_REFUSED) {
		assert(whole.parse.refusal.status == cut.parse.refusal.status);
		assert(whole.parse.refusal.text == cut.parse.refusal.text);
	}
	buf_release(&whole.body_bytes);
	buf_release(&cut.body_bytes);
	return 0;
}
