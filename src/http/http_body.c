#include "http/http_body.h"

#include "http/http_conn_memory.h"

size_t http_body_bound(const struct http_work *work)
{
	const unsigned meaningless = BIT(HTTP_GET) | BIT(HTTP_HEAD) | BIT(HTTP_DELETE) |
				     BIT(HTTP_OPTIONS);
	size_t max = work->x.route->body_max;

	if (max == 0 && meaningless & BIT(work->x.request.method))
		return HTTP_BODY_DROPPED_MAX;
	return max;
}

/* A body of known length that fits behind its head stays there; any other is collected. */
void http_body_start(struct http_work *work)
{
	const struct http_parse *parse = &work->parse;
	size_t max = http_body_bound(work);

	work->owns_body = parse->chunked ||
			  parse->content_length > HTTP_BLOCK_SIZE - parse->head_len;
	if (work->owns_body)
		buf_init(&work->body, max);
	if (parse->chunked)
		http_chunked_start(&work->chunked);
}

static enum http_body_result collect_chunks(struct http_work *work)
{
	struct str bytes = { work->in + work->in_used, work->in_len - work->in_used }, piece;

	while (true) {
		enum http_chunked_result result = http_chunked_read(&work->chunked, &bytes, &piece);

		work->in_used = work->in_len - bytes.len;
		switch (result) {
		case HTTP_CHUNKED_PIECE:
			buf_add_str(&work->body, piece);
			if (!buf_ok(&work->body))
				return HTTP_BODY_TOO_LARGE;
			break;
		case HTTP_CHUNKED_MORE:
			return HTTP_BODY_MORE;
		case HTTP_CHUNKED_DONE:
			return HTTP_BODY_WHOLE;
		case HTTP_CHUNKED_REFUSED:
			return HTTP_BODY_BAD;
		}
	}
}

enum http_body_result http_body_collect(struct http_work *work)
{
	struct http_request *request = &work->x.request;
	uint64_t length = work->parse.content_length;
	size_t here = work->in_len - work->in_used;
	enum http_body_result result;

	if (!work->owns_body) {
		work->body_len = here;
		if (here < length)
			return HTTP_BODY_MORE;
		request->body = (struct str){ work->in + work->in_used, (size_t)length };
		work->in_used += (size_t)length;
		return HTTP_BODY_WHOLE;
	}
	if (work->parse.chunked) {
		result = collect_chunks(work);
	} else {
		uint64_t left = length - work->body.len;
		size_t taken = here < left ? here : (size_t)left;

		buf_add(&work->body, work->in + work->in_used, taken);
		work->in_used += taken;
		result = taken == left ? HTTP_BODY_WHOLE : HTTP_BODY_MORE;
	}
	work->body_len += here;
	request->body = buf_str(&work->body);
	if (work->in_used ==
	    work->in_len) /* make room behind the head, whose slices are still needed */
		work->in_used = work->in_len = work->parse.head_len;
	return result;
}
