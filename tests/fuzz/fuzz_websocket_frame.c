/*
 * Frames of a client of a WebSocket, one behind the other: what is read of them is what a second reader finds, who
 * goes by the table of RFC 6455, 5.2; a frame that is cut short is never one, and written anew it says the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/own.h"
#include "websocket/websocket_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of bytes that hold a whole frame. */
static void check_again(const uint8_t *bytes, const struct websocket_frame *frame)
{
	size_t head = 2, len = bytes[1] & 0x7f;
	const uint8_t *mask;

	if (len == 126) {
		len = (size_t)bytes[2] << 8 | bytes[3];
		head = 4;
	}
	mask = bytes + head;
	assert((bytes[1] & 0x80) && (bytes[0] & 0x70) == 0);
	assert(frame->len == len && frame->size == head + 4 + len);
	assert((unsigned)frame->opcode == (bytes[0] & 0x0f));
	assert(frame->is_final == ((bytes[0] & 0x80) != 0));
	for (size_t i = 0; i < len; i++)
		assert((uint8_t)frame->payload[i] == (bytes[head + 4 + i] ^ mask[i % 4]));
}

static void check_cut(struct str bytes, const struct websocket_frame *whole)
{
	struct websocket_frame frame;
	enum websocket_code code;

	for (size_t len = 1; len < whole->size; len += 1 + len / 8)
		assert(websocket_frame_read(str_first(bytes, len), &frame, &code) ==
		       WEBSOCKET_PARTIAL);
}

static void check_written(const struct websocket_frame *frame)
{
	AUTO(buf_release) struct buf ours;

	buf_init(&ours, WEBSOCKET_FRAME_MAX);
	websocket_frame_add(&ours, frame->opcode, (struct str){ frame->payload, frame->len });
	assert(buf_ok(&ours) && ours.len >= frame->len &&
	       memcmp(ours.at + ours.len - frame->len, frame->payload, frame->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct websocket_frame frame;
	enum websocket_code code;
	uint16_t told;

	while (bytes.len > 0 && websocket_frame_read(bytes, &frame, &code) == WEBSOCKET_FRAME) {
		check_again((const uint8_t *)bytes.at, &frame);
		check_cut(bytes, &frame);
		check_written(&frame);
		if (websocket_close_read((struct str){ frame.payload, frame.len }, &told))
			assert(told == WEBSOCKET_NO_CODE || (told >= 1000 && told < 5000));
		bytes = str_after(bytes, frame.size);
	}
	return 0;
}
