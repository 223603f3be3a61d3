/*
 * A protocol behind 101: for each byte that it hears it says the next one of file_byte(), and more where it
 * is told to.  What it hears must be what the client sent behind the head, without a gap; it is over once, and hears
 * nothing then.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/own.h"
#include "http/reply.h"
#include "http/upgrade.h"
#include "reply_stream.h"

#define HEARD_MAX (1024 * 1024)

struct upgraded_echo {
	struct upgraded upgraded;
	bool is_on, has_ended;
	uint64_t said;
	struct buf heard;
};

/* As much as is taken: more than waits for a client that does not read is lost. */
static void upgraded_echo_say(struct upgraded_echo *echo, size_t len)
{
	char bytes[4096];

	while (echo->is_on && len > 0) {
		size_t piece = len < sizeof(bytes) ? len : sizeof(bytes);

		for (size_t i = 0; i < piece; i++)
			bytes[i] = file_byte(echo->said + i);
		if (!upgraded_send(&echo->upgraded, (struct str){ bytes, piece }))
			return;
		echo->said += piece;
		len -= piece;
	}
}

static void upgraded_echo_received(struct upgraded *upgraded, struct str bytes)
{
	struct upgraded_echo *echo = container_of(upgraded, struct upgraded_echo, upgraded);

	assert(echo->is_on && !echo->has_ended && bytes.len > 0);
	buf_add_str(&echo->heard, bytes);
	upgraded_echo_say(echo, bytes.len);
}

static void upgraded_echo_gone(struct upgraded *upgraded)
{
	struct upgraded_echo *echo = container_of(upgraded, struct upgraded_echo, upgraded);

	assert(echo->is_on);
	echo->is_on = false;
}

static void upgraded_echo_begin(struct upgraded_echo *echo, struct exchange *x)
{
	assert(!echo->is_on && echo->said == 0);
	echo->upgraded =
		(struct upgraded){ .received = upgraded_echo_received, .gone = upgraded_echo_gone };
	echo->is_on = true;
	buf_init(&echo->heard, HEARD_MAX);
	reply_begin(x, 101);
	reply_header(x, STR("Upgrade"), STR("echo"));
	reply_headerf(x, "X-First", "0");
	exchange_upgrade(x, &echo->upgraded);
}

static void upgraded_echo_end(struct upgraded_echo *echo)
{
	if (!echo->is_on)
		return;
	echo->has_ended = true;
	upgraded_end(&echo->upgraded);
}

/* Does `heard` stand in `sent` from the end of a head on? */
static bool upgraded_echo_is_behind_head(struct str sent, struct str heard)
{
	size_t end;

	while ((end = str_find_str(sent, STR("\n\r\n"))) < sent.len) {
		sent = str_after(sent, end + 3);
		if (str_starts(sent, heard))
			return true;
	}
	return false;
}

/* After the connection has ended. */
static void upgraded_echo_check(struct upgraded_echo *echo, struct str sent)
{
	struct str heard = buf_str(&echo->heard);

	assert(!echo->is_on);
	assert(heard.len == 0 || upgraded_echo_is_behind_head(sent, heard));
	buf_release(&echo->heard);
}
