/* What a client of a WebSocket writes and reads, in the bytes of RFC 6455, 5.2. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

#define FIN    0x80
#define MASKED 0x80

/* A frame with a mask; `head` is its first byte. */
__attribute__((unused)) static void add_client_frame(struct buf *to, unsigned head,
						     struct str payload)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

	buf_add_byte(to, (char)head);
	if (payload.len < 126) {
		buf_add_byte(to, (char)(MASKED | payload.len));
	} else {
		buf_add_byte(to, (char)(MASKED | 126));
		buf_add_byte(to, (char)(payload.len >> 8));
		buf_add_byte(to, (char)(payload.len & 0xff));
	}
	buf_add(to, mask, sizeof(mask));
	for (size_t i = 0; i < payload.len; i++)
		buf_add_byte(to, (char)((uint8_t)payload.at[i] ^ mask[i % 4]));
}
