/*
 * A request whose texts are whatever a client sent, cut at NULs: the line is one line, of plain ASCII, no longer than it
 * may be, and its fields are where they belong.
 */
#include <assert.h>
#include <stdint.h>

#include "accesslog/access_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DATE "14/Oct/2016:21:56:34 +0000"
#define END  " 0.001 id\n"

static struct str next(struct str *rest)
{
	struct str piece = STR("");

	if (!str_cut(rest, '\0', &piece))
		piece = STR("");
	return piece;
}

static unsigned count(struct str line, char byte)
{
	unsigned n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += line.at[i] == byte;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct access_reply reply = {
		.date = STR(DATE), .id = STR("id"), .status = 200, .took_ms = 1
	};
	struct str rest = { (const char *)data, size };
	struct access_request request = { .client = next(&rest), .user = next(&rest) };
	char text[2 * ACCESS_LINE_MAX];
	struct buf buf;
	struct str line;

	request.method = next(&rest);
	request.target = next(&rest);
	request.referer = next(&rest);
	request.agent = next(&rest);
	buf_over(&buf, text, sizeof(text));
	access_line_add(&buf, &request, &reply);
	line = buf_str(&buf);
	assert(buf_ok(&buf) && line.len <= ACCESS_LINE_MAX);
	assert(count(line, '\n') == 1 && str_ends(line, STR(END)));
	assert(count(line, '"') == 6);
	for (size_t i = 0; i + 1 < line.len; i++)
		assert(line.at[i] >= ' ' && line.at[i] < 0x7f);
	/* The third field behind a space is "-", the next the user, and then the date. */
	assert(str_starts(str_after(line, str_find(line, ' ')), STR(" - ")));
	line = str_after(line, str_find(line, ' ') + 3);
	assert(str_starts(str_after(line, str_find(line, ' ')), STR(" [" DATE "] \"")));
	return 0;
}
