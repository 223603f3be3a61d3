/*
 * The opening handshake of a WebSocket (RFC 6455, 4.2), from the head of a request.  Pure.
 *
 * Without extensions and subprotocols: what a client offers of them is not taken up, as the RFC has it.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "http/exchange.h"

#include <stdbool.h>

enum websocket_wish {
	WEBSOCKET_NOT_WANTED,    /* an ordinary request */
	WEBSOCKET_WANTED,        /* *out_key is the client's key */
	WEBSOCKET_STRIPPED,      /* one was, but a proxy in between took "Upgrade" away: 426 */
	WEBSOCKET_OTHER_VERSION, /* of the protocol: 426, and 13 is what we speak */
	WEBSOCKET_MALFORMED,     /* 400 */
};
/* Does the client want another protocol: is "Upgrade: websocket" among its headers? */
bool websocket_is_wanted(const struct http_request *request);
enum websocket_wish websocket_wish_of(const struct http_request *request, struct str *out_key);

#define WEBSOCKET_ACCEPT_SIZE 32 /* 28 characters */
/* What Sec-WebSocket-Accept answers the key with. */
struct str websocket_accept_text(struct str key, char room[WEBSOCKET_ACCEPT_SIZE]);
