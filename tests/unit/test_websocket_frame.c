#include "websocket/websocket_frame.h"

#include "tap.h"
#include "websocket_client.h"

#include <string.h>

#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
#define MASK "\x01\x02\x03\x04"

static struct websocket_frame frame;
static enum websocket_code code;

static void test_refusals(void)
{
	static const struct {
		const char *name;
		struct str bytes;
		enum websocket_read result;
		enum websocket_code code;
	} cases[] = {
		{ "without a mask", BYTES("\x81\x02hi"), WEBSOCKET_REFUSED, WEBSOCKET_BROKEN },
		{ "with a bit of an extension", BYTES("\xc1\x82" MASK "hi"), WEBSOCKET_REFUSED,
		  WEBSOCKET_BROKEN },
		{ "an opcode that is none", BYTES("\x83\x82" MASK "hi"), WEBSOCKET_REFUSED,
		  WEBSOCKET_BROKEN },
		{ "a control opcode that is none", BYTES("\x8b\x80" MASK), WEBSOCKET_REFUSED,
		  WEBSOCKET_BROKEN },
		{ "a ping in pieces", BYTES("\x09\x80" MASK), WEBSOCKET_REFUSED, WEBSOCKET_BROKEN },
		{ "a ping of 126 bytes", BYTES("\x89\xfe\x00\x7e" MASK "x"), WEBSOCKET_REFUSED,
		  WEBSOCKET_BROKEN },
		{ "a length written longer than need be", BYTES("\x81\xfe\x00\x05" MASK "hello"),
		  WEBSOCKET_REFUSED, WEBSOCKET_BROKEN },
		{ "4097 bytes", BYTES("\x81\xfe\x10\x01" MASK "x"), WEBSOCKET_REFUSED,
		  WEBSOCKET_TOO_BIG },
		{ "2^62 bytes", BYTES("\x81\xff\x40\0\0\0\0\0\0\0" MASK "x"), WEBSOCKET_REFUSED,
		  WEBSOCKET_TOO_BIG },
		{ "a length below zero", BYTES("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" MASK "x"),
		  WEBSOCKET_REFUSED, WEBSOCKET_BROKEN },
		{ "a byte of a head", BYTES("\x81"), WEBSOCKET_PARTIAL, 0 },
		{ "a head without its mask", BYTES("\x81\x82\x01\x02"), WEBSOCKET_PARTIAL, 0 },
		{ "a head without its payload", BYTES("\x81\x82" MASK), WEBSOCKET_PARTIAL, 0 },
		{ "half a payload", BYTES("\x81\x82" MASK "h"), WEBSOCKET_PARTIAL, 0 },
		{ "an empty one", BYTES("\x81\x80" MASK), WEBSOCKET_FRAME, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		IS_INT(websocket_frame_read(cases[i].bytes, &frame, &code), cases[i].result, "%s",
		       cases[i].name);
		if (cases[i].result == WEBSOCKET_REFUSED)
			IS_INT(code, cases[i].code, "%s: closed with", cases[i].name);
	}
}

/* Of each length around those at which the head changes, and at each place that it may end at. */
static void test_reading(void)
{
	static const size_t lengths[] = { 0, 1, 125, 126, 127, 4095, 4096 };
	static char text[WEBSOCKET_MESSAGE_MAX];
	char room[WEBSOCKET_FRAME_MAX + 16];
	struct buf bytes;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct str payload = { text, lengths[i] };
		size_t size, early = 0;

		buf_over(&bytes, room, sizeof(room));
		add_client_frame(&bytes, FIN | WEBSOCKET_TEXT, payload);
		size = bytes.len;
		buf_add_text(&bytes, "and more");
		for (size_t len = 1; len < size; len++)
			early += websocket_frame_read(str_first(buf_str(&bytes), len), &frame,
						      &code) != WEBSOCKET_PARTIAL;
		IS_INT(early, 0, "%zu bytes are not whole before the last is here", lengths[i]);
		IS_INT(websocket_frame_read(buf_str(&bytes), &frame, &code), WEBSOCKET_FRAME,
		       "%zu bytes, and what follows", lengths[i]);
		OK(frame.size == size && frame.len == lengths[i] && frame.is_final &&
			   frame.opcode == WEBSOCKET_TEXT &&
			   memcmp(frame.payload, text, lengths[i]) == 0,
		   "%zu bytes, as they were said", lengths[i]);
	}
}

static void test_writing(void)
{
	static char text[70000];
	struct buf bytes;

	buf_init(&bytes, 100000);
	websocket_frame_add(&bytes, WEBSOCKET_TEXT, STR("hi"));
	IS_STR(buf_str(&bytes), STR("\x81\x02hi"), "two bytes, without a mask");
	buf_clear(&bytes);
	websocket_frame_add(&bytes, WEBSOCKET_PING, STR_NONE);
	IS_STR(buf_str(&bytes), STR("\x89\x00"), "a ping of nothing");
	buf_clear(&bytes);
	websocket_frame_add(&bytes, WEBSOCKET_TEXT, (struct str){ text, 300 });
	OK(bytes.len == 304 && memcmp(bytes.at, "\x81\x7e\x01\x2c", 4) == 0, "300 bytes");
	buf_clear(&bytes);
	websocket_frame_add(&bytes, WEBSOCKET_TEXT, (struct str){ text, sizeof(text) });
	OK(bytes.len == sizeof(text) + 10 &&
		   memcmp(bytes.at, "\x81\x7f\0\0\0\0\0\x01\x11\x70", 10) == 0,
	   "70000 bytes");
	buf_release(&bytes);
}

static void test_closes(void)
{
	static const struct {
		const char *name;
		struct str payload;
		bool is_good;
		uint16_t code;
	} cases[] = {
		{ "no code", BYTES(""), true, 1005 },
		{ "1000", BYTES("\x03\xe8"), true, 1000 },
		{ "1000, and why", BYTES("\x03\xe8good \xd7\x90"), true, 1000 },
		{ "half a code", BYTES("\x03"), false, 0 },
		{ "999", BYTES("\x03\xe7"), false, 0 },
		{ "1004", BYTES("\x03\xec"), false, 0 },
		{ "1005, which is never sent", BYTES("\x03\xed"), false, 0 },
		{ "1006, which is never sent", BYTES("\x03\xee"), false, 0 },
		{ "1007", BYTES("\x03\xef"), true, 1007 },
		{ "1014", BYTES("\x03\xf6"), true, 1014 },
		{ "1015, which is never sent", BYTES("\x03\xf7"), false, 0 },
		{ "2999", BYTES("\x0b\xb7"), false, 0 },
		{ "3000", BYTES("\x0b\xb8"), true, 3000 },
		{ "4999", BYTES("\x13\x87"), true, 4999 },
		{ "5000", BYTES("\x13\x88"), false, 0 },
		{ "a reason that is no text", BYTES("\x03\xe8\xff"), false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint16_t told = 0;

		IS_INT(websocket_close_read(cases[i].payload, &told), cases[i].is_good, "%s",
		       cases[i].name);
		if (cases[i].is_good)
			IS_INT(told, cases[i].code, "%s: its code", cases[i].name);
	}
}

int main(void)
{
	test_refusals();
	test_reading();
	test_writing();
	test_closes();
	return tap_end();
}
