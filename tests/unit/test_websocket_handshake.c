#include "websocket/websocket_handshake.h"

#include "tap.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

struct line {
	const char *name, *value;
};

static void fill(struct http_request *request, const struct line *lines)
{
	*request = (struct http_request){ .method = HTTP_GET, .minor_version = 1 };
	for (; lines->name; lines++)
		request->headers[request->header_count++] =
			(struct http_header){ str_of(lines->name), str_of(lines->value) };
}

#define UP                              \
	{ "Upgrade", "websocket" },     \
	{                               \
		"Connection", "Upgrade" \
	}
#define VERSION                               \
	{                                     \
		"Sec-WebSocket-Version", "13" \
	}
#define WITH_KEY                         \
	{                                \
		"Sec-WebSocket-Key", KEY \
	}

static void test_wishes(void)
{
	static const struct {
		const char *name;
		struct line lines[8];
		enum websocket_wish wish;
	} cases[] = {
		{ "no Upgrade", { { "Accept", "*/*" }, VERSION }, WEBSOCKET_NOT_WANTED },
		{ "a proxy took Upgrade away", { WITH_KEY, VERSION }, WEBSOCKET_STRIPPED },
		{ "another protocol",
		  { { "Upgrade", "h2c" }, { "Connection", "Upgrade" } },
		  WEBSOCKET_NOT_WANTED },
		{ "a browser", { UP, VERSION, WITH_KEY }, WEBSOCKET_WANTED },
		{ "lists, on several lines, in any case",
		  { { "upgrade", "h2c , WebSocket" },
		    { "connection", "keep-alive" },
		    { "Connection", "foo, UPGRADE" },
		    VERSION,
		    WITH_KEY },
		  WEBSOCKET_WANTED },
		{ "Connection without upgrade",
		  { { "Upgrade", "websocket" }, { "Connection", "keep-alive" }, VERSION, WITH_KEY },
		  WEBSOCKET_MALFORMED },
		{ "version 8",
		  { UP, { "Sec-WebSocket-Version", "8" }, WITH_KEY },
		  WEBSOCKET_OTHER_VERSION },
		{ "no version", { UP, WITH_KEY }, WEBSOCKET_OTHER_VERSION },
		{ "two versions", { UP, VERSION, VERSION, WITH_KEY }, WEBSOCKET_OTHER_VERSION },
		{ "no key", { UP, VERSION }, WEBSOCKET_MALFORMED },
		{ "two keys", { UP, VERSION, WITH_KEY, WITH_KEY }, WEBSOCKET_MALFORMED },
		{ "a key of 15 bytes",
		  { UP, VERSION, { "Sec-WebSocket-Key", "MTIzNDU2Nzg5MDEyMzQ1" } },
		  WEBSOCKET_MALFORMED },
		{ "a key that is no base64",
		  { UP, VERSION, { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!==" } },
		  WEBSOCKET_MALFORMED },
		{ "a key of 18 bytes",
		  { UP, VERSION, { "Sec-WebSocket-Key", "MTIzNDU2Nzg5MDEyMzQ1Njc4" } },
		  WEBSOCKET_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request request;
		struct str key = STR_NONE;

		fill(&request, cases[i].lines);
		IS_INT(websocket_wish_of(&request, &key), cases[i].wish, "%s", cases[i].name);
		if (cases[i].wish == WEBSOCKET_WANTED)
			IS_STR(key, STR(KEY), "%s: its key", cases[i].name);
	}
}

int main(void)
{
	static const struct line browser[] = { UP, VERSION, WITH_KEY, { NULL, NULL } };
	char room[WEBSOCKET_ACCEPT_SIZE];
	struct http_request request;
	struct str key;

	test_wishes();
	fill(&request, browser);
	request.minor_version = 0;
	IS_INT(websocket_wish_of(&request, &key), WEBSOCKET_MALFORMED, "HTTP/1.0 knows no upgrade");
	fill(&request, browser);
	request.method = HTTP_HEAD;
	IS_INT(websocket_wish_of(&request, &key), WEBSOCKET_MALFORMED, "HEAD opens none");
	IS_STR(websocket_accept_text(STR(KEY), room), STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
	       "the answer to the key of RFC 6455, 1.3");
	return tap_end();
}
