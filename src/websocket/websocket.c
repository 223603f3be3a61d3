/*
 * What comes is read frame by frame: from the caller's bytes where a frame begins and ends within them, else
 * from `partial`, which is there for as long as one is on its way, and never larger than one.
 *
 *	bytes    |== frame ==|== frame ==|== beg|
 *	                                  `partial` |== beg ... inning ==|
 */
#include "websocket/websocket.h"

#include <string.h>

#include "base/compiler.h"
#include "base/own.h"
#include "base/utf8.h"
#include "event/loop.h"
#include "http/reply.h"
#include "websocket/websocket_handshake.h"

/* ---- saying ---- */

static bool send_frame(struct websocket *socket, enum websocket_opcode opcode, struct str payload)
{
	AUTO(buf_release) struct buf frame;

	buf_init(&frame, payload.len + WEBSOCKET_FRAME_MAX);
	websocket_frame_add(&frame, opcode, payload);
	return upgraded_send(&socket->upgraded, buf_str(&frame));
}

bool websocket_send(struct websocket *socket, struct str text)
{
	return !socket->is_closing && send_frame(socket, WEBSOCKET_TEXT, text);
}

void websocket_ping(struct websocket *socket)
{
	/* Where it finds no room the client has enough to answer to. */
	if (!socket->is_closing)
		(void)!send_frame(socket, WEBSOCKET_PING, STR_NONE);
}

void websocket_close(struct websocket *socket, enum websocket_code code, struct str reason)
{
	char room[WEBSOCKET_CONTROL_MAX + 1];
	struct buf payload;

	if (socket->is_closing)
		return;
	socket->is_closing = true;
	buf_over(&payload, room, sizeof(room));
	if (code != WEBSOCKET_NO_CODE) {
		buf_add_byte(&payload, (char)(code >> 8));
		buf_add_byte(&payload, (char)(code & 0xff));
		buf_add_str(&payload, str_first(reason, WEBSOCKET_CONTROL_MAX - 2));
	}
	(void)!send_frame(socket, WEBSOCKET_CLOSE, buf_str(&payload));
	upgraded_end(&socket->upgraded);
}

/* ---- hearing ---- */

static void refuse(struct websocket *socket, enum websocket_code code)
{
	websocket_close(socket, code, STR_NONE);
}

static void message_came(struct websocket *socket, struct str text)
{
	if (utf8_is_valid(text))
		socket->received(socket, text);
	else
		refuse(socket, WEBSOCKET_NOT_TEXT);
}

static void close_came(struct websocket *socket, struct str payload)
{
	uint16_t code;

	if (websocket_close_read(payload, &code))
		websocket_close(socket, (enum websocket_code)code, STR_NONE);
	else
		refuse(socket, WEBSOCKET_BROKEN);
}

/* A piece of a message that came in several. */
static void fragment_came(struct websocket *socket, const struct websocket_frame *frame)
{
	if (socket->message.len + frame->len > WEBSOCKET_MESSAGE_MAX) {
		refuse(socket, WEBSOCKET_TOO_BIG);
		return;
	}
	buf_add(&socket->message, frame->payload, frame->len);
	socket->is_in_message = !frame->is_final;
	if (!frame->is_final)
		return;
	message_came(socket, buf_str(&socket->message));
	buf_release(&socket->message);
}

static void data_came(struct websocket *socket, const struct websocket_frame *frame)
{
	if (socket->is_in_message != (frame->opcode == WEBSOCKET_CONTINUATION))
		refuse(socket, WEBSOCKET_BROKEN);
	else if (frame->opcode == WEBSOCKET_BINARY)
		refuse(socket, WEBSOCKET_WRONG_TYPE);
	else if (frame->is_final && !socket->is_in_message)
		message_came(socket, (struct str){ frame->payload, frame->len });
	else
		fragment_came(socket, frame);
}

static void frame_came(struct websocket *socket, const struct websocket_frame *frame)
{
	struct str payload = { frame->payload, frame->len };

	switch (frame->opcode) {
	case WEBSOCKET_PING:
		/* Who pings without taking the answers gets no more of them. */
		(void)!send_frame(socket, WEBSOCKET_PONG, payload);
		return;
	case WEBSOCKET_PONG:
		return;
	case WEBSOCKET_CLOSE:
		close_came(socket, payload);
		return;
	case WEBSOCKET_CONTINUATION:
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
		data_came(socket, frame);
		return;
	}
}

/* Takes the frames that are whole off *bytes. */
static void take_frames(struct websocket *socket, struct str *bytes)
{
	struct websocket_frame frame;
	enum websocket_code code;

	while (bytes->len > 0 && !socket->is_closing) {
		switch (websocket_frame_read(*bytes, &frame, &code)) {
		case WEBSOCKET_FRAME:
			*bytes = str_after(*bytes, frame.size);
			frame_came(socket, &frame);
			break;
		case WEBSOCKET_PARTIAL:
			return;
		case WEBSOCKET_REFUSED:
			refuse(socket, code);
			return;
		}
	}
}

/* The frame that was on its way, with what belongs to it of *bytes. */
static void take_partial(struct websocket *socket, struct str *bytes)
{
	struct buf *partial = &socket->partial;
	size_t had = partial->len;
	struct str frames;

	buf_add_str(partial, str_first(*bytes, WEBSOCKET_FRAME_MAX - had));
	frames = buf_str(partial);
	take_frames(socket, &frames);
	if (frames.len >= had + bytes->len) { /* all went into it, and it is not whole yet */
		*bytes = str_after(*bytes, bytes->len);
		return;
	}
	/* What is left in it lies at the end of what was added, and is read where it came from. */
	*bytes = str_after(*bytes, partial->len - had - frames.len);
	buf_release(partial);
}

static void bytes_came(struct upgraded *upgraded, struct str bytes)
{
	struct websocket *socket = container_of(upgraded, struct websocket, upgraded);

	socket->heard_at_ms = loop_now_ms(socket->loop);
	if (socket->is_closing)
		return;
	if (socket->partial.len > 0)
		take_partial(socket, &bytes);
	take_frames(socket, &bytes);
	if (bytes.len > 0 && !socket->is_closing)
		buf_add_str(&socket->partial, bytes);
}

static void upgraded_gone(struct upgraded *upgraded)
{
	struct websocket *socket = container_of(upgraded, struct websocket, upgraded);

	socket->is_closing = true;
	buf_release(&socket->partial);
	buf_release(&socket->message);
	socket->gone(socket);
}

void websocket_accept(struct exchange *x, struct str key, struct websocket *socket)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];

	socket->loop = exchange_loop(x);
	socket->heard_at_ms = loop_now_ms(socket->loop);
	socket->is_in_message = socket->is_closing = false;
	buf_init(&socket->partial, WEBSOCKET_FRAME_MAX);
	buf_init(&socket->message, WEBSOCKET_MESSAGE_MAX);
	socket->upgraded.received = bytes_came;
	socket->upgraded.gone = upgraded_gone;
	reply_begin(x, 101);
	reply_header(x, STR("Upgrade"), STR("websocket"));
	reply_header(x, STR("Sec-WebSocket-Accept"), websocket_accept_text(key, accept));
	exchange_upgrade(x, &socket->upgraded);
}
