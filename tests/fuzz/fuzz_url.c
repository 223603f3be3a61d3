/* A request target: through the head's parser, the router, and url_decode() of each piece. */
#include <assert.h>
#include <stdint.h>

#include "http/form.h"
#include "http/http_parse.h"
#include "http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct http_route routes[] = {
	{ BIT(HTTP_GET), "/api/calls/{}/download", NULL, 0, NULL, 0 },
	{ BIT(HTTP_GET), "/2010-04-01/Accounts/{}/Recordings/{}.json", NULL, 0, NULL, 0 },
	{ BIT(HTTP_GET), "/{}/{}/{}/{}", NULL, 0, NULL, 0 },
};

static void decode(struct str text)
{
	char memory[HTTP_TARGET_MAX + 1];
	struct buf decoded;

	buf_over(&decoded, memory, sizeof(memory));
	if (text.at && url_decode(text, &decoded))
		assert(decoded.len <= text.len && !memchr(decoded.at, '\0', decoded.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct http_parse parse;
	static struct http_request request;
	const struct http_route *route;
	unsigned methods;
	struct buf head;

	if (len > 10000)
		return 0;
	buf_init(&head, 20000);
	buf_add_text(&head, "GET ");
	buf_add(&head, bytes, len);
	buf_add_text(&head, " HTTP/1.1\r\nHost: example.org\r\n\r\n");
	http_parse_start(&parse, &request);
	if (http_parse_head(&parse, &request, head.at, head.len) == HTTP_PARSE_DONE &&
	    !memchr(bytes, ' ', len) && !memchr(bytes, '\n', len)) {
		assert(request.path.len > 0 && request.path.at[0] == '/');
		assert(request.target.len == len && len <= HTTP_TARGET_MAX);
		if (router_find(routes, ARRAY_LEN(routes), &request, &route, &methods) ==
		    ROUTER_FOUND)
			for (size_t i = 0; i < HTTP_PARAMS_MAX; i++)
				decode(request.params[i]);
		decode(request.path);
		decode(request.query);
	}
	buf_release(&head);
	return 0;
}
