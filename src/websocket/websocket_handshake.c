#include "websocket/websocket_handshake.h"

#include "base/hash.h"

#define KEY_BYTES 16
#define KEY_LEN   24 /* of them as base64 */
#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* Is the token in a header of that name?  They are lists, and may come on several lines. */
static bool has_token(const struct http_request *request, struct str name, struct str token)
{
	for (uint32_t i = 0; i < request->header_count; i++) {
		struct str rest = request->headers[i].value, piece;

		if (!str_eq_nocase(request->headers[i].name, name))
			continue;
		while (str_cut(&rest, ',', &piece))
			if (str_eq_nocase(str_trim(piece), token))
				return true;
	}
	return false;
}

/* The value of a header that may come once; at == NULL: it is not there, or twice. */
static struct str single(const struct http_request *request, struct str name)
{
	struct str value = STR_NONE;

	for (uint32_t i = 0; i < request->header_count; i++) {
		if (!str_eq_nocase(request->headers[i].name, name))
			continue;
		if (value.at)
			return STR_NONE;
		value = request->headers[i].value;
	}
	return value;
}

static bool is_key(struct str text)
{
	uint8_t bytes[KEY_BYTES];
	size_t len;

	return text.len == KEY_LEN && base64_decode(text, bytes, sizeof(bytes), &len) &&
	       len == sizeof(bytes);
}

bool websocket_is_wanted(const struct http_request *request)
{
	return has_token(request, STR("Upgrade"), STR("websocket"));
}

enum websocket_wish websocket_wish_of(const struct http_request *request, struct str *out_key)
{
	struct str key = single(request, STR("Sec-WebSocket-Key"));
	struct str version = single(request, STR("Sec-WebSocket-Version"));

	if (!websocket_is_wanted(request))
		return http_request_header(request, STR("Sec-WebSocket-Key")).at
			       ? WEBSOCKET_STRIPPED
			       : WEBSOCKET_NOT_WANTED;
	if (request->method != HTTP_GET || request->minor_version < 1 ||
	    !has_token(request, STR("Connection"), STR("upgrade")))
		return WEBSOCKET_MALFORMED;
	if (!str_eq(version, STR("13")))
		return WEBSOCKET_OTHER_VERSION;
	if (!is_key(key))
		return WEBSOCKET_MALFORMED;
	*out_key = key;
	return WEBSOCKET_WANTED;
}

struct str websocket_accept_text(struct str key, char room[WEBSOCKET_ACCEPT_SIZE])
{
	char both[KEY_LEN + sizeof(GUID)];
	uint8_t digest[SHA1_BYTES];
	struct buf text, accept;

	buf_over(&text, both, sizeof(both));
	buf_add_str(&text, key);
	buf_add_text(&text, GUID);
	sha1_of(buf_str(&text), digest);
	buf_over(&accept, room, WEBSOCKET_ACCEPT_SIZE);
	base64_add(&accept, digest, sizeof(digest));
	return buf_str(&accept);
}
