/*
 * Frames of RFC 6455, 5, read and written by wslay.  Pure: one frame at a time, out of bytes that are here.
 *
 * Between two frames nothing is held, so that a connection in which nobody speaks costs no memory: a
 * frame that has not come whole is read from its beginning again when more of it is here.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The most that a client may say in one message, and so in one frame. */
#define WEBSOCKET_MESSAGE_MAX 4096
#define WEBSOCKET_FRAME_MAX   (WEBSOCKET_MESSAGE_MAX + 14) /* with its head */
#define WEBSOCKET_CONTROL_MAX 125

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* RFC 6455, 7.4.1, as far as we say them. */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_BROKEN = 1002,     /* what came is not the protocol */
	WEBSOCKET_WRONG_TYPE = 1003, /* not text */
	WEBSOCKET_NO_CODE = 1005,    /* never sent: none was told */
	WEBSOCKET_NOT_TEXT = 1007,   /* not UTF-8 */
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_BIG = 1009,
	WEBSOCKET_RESTART = 1012,
};

struct websocket_frame {
	enum websocket_opcode opcode;
	bool is_final;
	size_t size;                         /* bytes it took, its head among them */
	size_t len;                          /* of the payload */
	char payload[WEBSOCKET_MESSAGE_MAX]; /* unmasked */
};

enum websocket_read {
	WEBSOCKET_FRAME,   /* *out is one */
	WEBSOCKET_PARTIAL, /* more of it must come */
	WEBSOCKET_REFUSED, /* *out_code is what to close with */
};
/* The frame of a client that `bytes` begin with; bytes.len is above 0. */
enum websocket_read websocket_frame_read(struct str bytes, struct websocket_frame *out,
					 enum websocket_code *out_code);
/* Appends a frame of ours, whole. */
void websocket_frame_add(struct buf *buf, enum websocket_opcode opcode, struct str payload);
/* What a close frame of the client says; false: it may not say that. */
bool websocket_close_read(struct str payload, uint16_t *out_code);
