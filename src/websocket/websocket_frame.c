#include "websocket/websocket_frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include "base/utf8.h"

/* ---- reading ---- */

static ssize_t give_bytes(uint8_t *to, size_t len, int flags, void *user)
{
	struct str *bytes = user;
	size_t n = len < bytes->len ? len : bytes->len;

	if (n == 0)
		return -1; /* that is all there is */
	memcpy(to, bytes->at, n);
	*bytes = str_after(*bytes, n);
	return (ssize_t)n;
}

/* wslay takes none that is longer than it need be. */
static size_t head_size(const struct wslay_frame_iocb *frame)
{
	size_t size = frame->payload_length < 126 ? 2 : frame->payload_length < 65536 ? 4 : 10;

	return size + (frame->mask ? 4 : 0);
}

static bool is_known(uint8_t opcode)
{
	switch ((enum websocket_opcode)opcode) {
	case WEBSOCKET_CONTINUATION:
	case WEBSOCKET_TEXT:
	case WEBSOCKET_BINARY:
	case WEBSOCKET_CLOSE:
	case WEBSOCKET_PING:
	case WEBSOCKET_PONG:
		return true;
	}
	return false;
}

/* Of its head, as soon as that is here. */
static bool is_acceptable(const struct wslay_frame_iocb *frame, enum websocket_code *out_code)
{
	*out_code = WEBSOCKET_BROKEN;
	if (!frame->mask || frame->rsv != 0 || !is_known(frame->opcode))
		return false;
	*out_code = WEBSOCKET_TOO_BIG;
	return frame->payload_length <= WEBSOCKET_MESSAGE_MAX;
}

static enum websocket_read read_frame(struct wslay_frame_context *context,
				      struct websocket_frame *out, enum websocket_code *out_code)
{
	struct wslay_frame_iocb frame = { 0 };
	size_t len = 0;

	do {
		ssize_t got = wslay_frame_recv(context, &frame);

		if (got == WSLAY_ERR_PROTO) {
			*out_code = WEBSOCKET_BROKEN;
			return WEBSOCKET_REFUSED;
		}
		if (got < 0)
			return WEBSOCKET_PARTIAL;
		if (!is_acceptable(&frame, out_code))
			return WEBSOCKET_REFUSED;
		memcpy(out->payload + len, frame.data, frame.data_length);
		len += frame.data_length;
	} while (len < frame.payload_length);
	out->opcode = (enum websocket_opcode)frame.opcode;
	out->is_final = frame.fin != 0;
	out->len = len;
	out->size = head_size(&frame) + len;
	return WEBSOCKET_FRAME;
}

static struct wslay_frame_context *context_new(const struct wslay_frame_callbacks *callbacks,
					       void *user)
{
	struct wslay_frame_context *context;

	if (wslay_frame_context_init(&context, callbacks, user) != 0)
		abort(); /* no memory, as in base/mem.c */
	return context;
}

enum websocket_read websocket_frame_read(struct str bytes, struct websocket_frame *out,
					 enum websocket_code *out_code)
{
	static const struct wslay_frame_callbacks callbacks = { .recv_callback = give_bytes };
	struct wslay_frame_context *context = context_new(&callbacks, &bytes);
	enum websocket_read result = read_frame(context, out, out_code);

	wslay_frame_context_free(context);
	return result;
}

/* ---- writing ---- */

static ssize_t take_bytes(const uint8_t *data, size_t len, int flags, void *user)
{
	buf_add(user, data, len);
	return (ssize_t)len;
}

void websocket_frame_add(struct buf *buf, enum websocket_opcode opcode, struct str payload)
{
	static const struct wslay_frame_callbacks callbacks = { .send_callback = take_bytes };
	struct wslay_frame_context *context = context_new(&callbacks, buf);
	struct wslay_frame_iocb frame = {
		.fin = 1,
		.opcode = (uint8_t)opcode,
		.payload_length = payload.len,
		.data = (const uint8_t *)payload.at,
		.data_length = payload.len,
	};

	ssize_t sent = wslay_frame_send(context, &frame);

	assert(sent >= 0 && (size_t)sent == payload.len); /* take_bytes() takes all */
	wslay_frame_context_free(context);
}

/* ---- a close ---- */

bool websocket_close_read(struct str payload, uint16_t *out_code)
{
	const uint8_t *bytes = (const uint8_t *)payload.at;
	unsigned code;

	if (payload.len == 0) {
		*out_code = WEBSOCKET_NO_CODE;
		return true;
	}
	if (payload.len == 1)
		return false;
	code = (unsigned)bytes[0] << 8 | bytes[1];
	if (code < 1000 || (code >= 1004 && code <= 1006) || (code >= 1015 && code < 3000) ||
	    code > 4999)
		return false;
	*out_code = (uint16_t)code;
	return utf8_is_valid(str_after(payload, 2));
}
