/*
 * All that a client read of one connection: a row of replies, of which the last alone may be short.  Each is
 * as long as its head says, and where a head says X-First, the body is FILE_SIZE bytes of file_byte()
 * from there on; behind 101 all that follows is.  Aborts when it is not so.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/str.h"

#define FILE_SIZE 70000 /* more than the socket of the server holds */

static char file_byte(uint64_t at)
{
	return (char)((at * 2654435761u >> 13) & 0xff);
}

static struct str header_of(struct str head, const char *name)
{
	struct str line = STR_NONE;

	while (str_cut(&head, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (str_eq_nocase(str_first(line, colon), str_of(name)))
			return str_trim(
				str_first(str_after(line, colon + 1), line.len - colon - 2));
	}
	return STR_NONE;
}

static void check_file_bytes(struct str bytes, struct str head, uint64_t *at)
{
	uint64_t first;

	if (!str_to_u64(header_of(head, "X-First"), &first))
		return;
	for (size_t i = 0; i < bytes.len; i++)
		assert(bytes.at[i] == file_byte(first + (*at)++));
}

/* Takes the chunks off *rest; false when the last one has not come. */
static bool check_chunks(struct str *rest, struct str head)
{
	uint64_t at = 0;
	struct str line = STR_NONE;

	while (str_find_str(*rest, STR("\r\n")) < rest->len && str_cut(rest, '\n', &line)) {
		uint64_t len;

		assert(line.len > 1 && str_hex_to_u64(str_first(line, line.len - 1), &len));
		check_file_bytes(str_first(*rest, len), head, &at);
		if (rest->len < len + 2)
			break;
		assert(str_starts(str_after(*rest, len), STR("\r\n")));
		*rest = str_after(*rest, len + 2);
		if (len == 0)
			return true;
	}
	*rest = STR_NONE;
	return false;
}

/* Takes one reply off *rest; false when it is short. */
static bool check_reply(struct str *rest, const bool *was_head, unsigned count, unsigned *number)
{
	size_t end = str_find_str(*rest, STR("\r\n\r\n"));
	uint64_t status, length = 0, at = 0;
	struct str head;

	assert(str_starts(*rest, str_first(STR("HTTP/1.1 "), rest->len)));
	if (end >= rest->len)
		return false;
	head = str_first(*rest, end + 2);
	*rest = str_after(*rest, end + 4);
	assert(head.len > 12 && str_to_u64(str_first(str_after(head, 9), 3), &status));
	if (status == 100)
		return true;
	(*number)++;
	if (status == 101) { /* what follows is of another protocol */
		check_file_bytes(*rest, head, &at);
		*rest = STR_NONE;
		return false;
	}
	if ((*number <= count && was_head[*number - 1]) || status == 204 || status == 304)
		return true;
	if (header_of(head, "Transfer-Encoding").len > 0)
		return check_chunks(rest, head);
	if (!str_to_u64(header_of(head, "Content-Length"), &length)) {
		/* To HTTP/1.0, of a length that nobody knows: until the end. */
		check_file_bytes(*rest, head, &at);
		*rest = STR_NONE;
		return false;
	}
	check_file_bytes(str_first(*rest, length), head, &at);
	if (rest->len < length) {
		*rest = STR_NONE;
		return false;
	}
	*rest = str_after(*rest, length);
	return true;
}

static inline void reply_stream_check(struct str stream, const bool *was_head, unsigned count)
{
	unsigned number = 0;

	while (stream.len > 0 && check_reply(&stream, was_head, count, &number))
		;
	assert(number <= count);
}
