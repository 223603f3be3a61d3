#include "accesslog/access_line.h"

#include "base/compiler.h"

#include <assert.h>

/* Bytes of each text as it is written, escapes included. */
#define CLIENT_MAX  64
#define USER_MAX    128
#define METHOD_MAX  32
#define TARGET_MAX  2048
#define REFERER_MAX 768
#define AGENT_MAX   512
#define ID_MAX      40
#define REST_MAX    160 /* date, status, sizes, and what stands between */

static_assert(CLIENT_MAX + USER_MAX + METHOD_MAX + TARGET_MAX + REFERER_MAX + AGENT_MAX + ID_MAX +
			      REST_MAX <=
		      ACCESS_LINE_MAX,
	      "a line is one write");

#define ESCAPE_SIZE 4 /* \xHH */
#define CUT         "..."

/* A space ends a field that stands without quotes. */
static bool is_plain(char c, bool is_quoted)
{
	return (c > ' ' || (c == ' ' && is_quoted)) && c < 0x7f && c != '"' && c != '\\';
}

static void add_escape(struct buf *line, char c)
{
	static const char hex[] = "0123456789ABCDEF";
	const char escape[ESCAPE_SIZE] = { '\\', 'x', hex[(unsigned char)c >> 4], hex[c & 15] };

	buf_add(line, escape, sizeof(escape));
}

static void add_text(struct buf *line, struct str text, size_t max, bool is_quoted)
{
	size_t end = line->len + max - sizeof(CUT), from = 0;

	for (size_t at = 0; at < text.len; at++) {
		bool plain = is_plain(text.at[at], is_quoted);

		if (line->len + (at - from) + (plain ? 1 : ESCAPE_SIZE) > end) {
			buf_add(line, text.at + from, at - from);
			buf_add_text(line, CUT);
			return;
		}
		if (plain)
			continue;
		buf_add(line, text.at + from, at - from);
		add_escape(line, text.at[at]);
		from = at + 1;
	}
	buf_add(line, text.at + from, text.len - from);
}

static void add_field(struct buf *line, struct str text, const char *none, size_t max)
{
	add_text(line, text.len > 0 ? text : str_of(none), max, false);
}

static void add_quoted(struct buf *line, struct str text, size_t max)
{
	buf_add_text(line, " \"");
	add_text(line, text.len > 0 ? text : STR("-"), max, true);
	buf_add_byte(line, '"');
}

static void add_request(struct buf *line, const struct access_request *request)
{
	if (request->method.len == 0 || request->target.len == 0) {
		buf_add_text(line, "\"-\"");
		return;
	}
	buf_add_byte(line, '"');
	add_text(line, request->method, METHOD_MAX, false);
	buf_add_byte(line, ' ');
	add_text(line, request->target, TARGET_MAX, false);
	buf_add_text(line, " HTTP/1.");
	buf_add_u64(line, request->minor_version);
	buf_add_byte(line, '"');
}

#define CLIENT_LEFT 499

static void add_seconds(struct buf *line, int64_t ms)
{
	uint64_t positive = ms > 0 ? (uint64_t)ms : 0;
	unsigned rest = (unsigned)(positive % 1000);
	const char digits[] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
				(char)('0' + rest % 10) };

	buf_add_u64(line, positive / 1000);
	buf_add(line, digits, sizeof(digits));
}

void access_line_add(struct buf *line, const struct access_request *request,
		     const struct access_reply *reply)
{
	add_field(line, request->client, "unix:", CLIENT_MAX);
	buf_add_text(line, " - ");
	add_field(line, request->user, "-", USER_MAX);
	buf_add_text(line, " [");
	buf_add_str(line, reply->date);
	buf_add_text(line, "] ");
	add_request(line, request);
	buf_add_byte(line, ' ');
	buf_add_u64(line, reply->status > 0 ? (uint64_t)reply->status : CLIENT_LEFT);
	buf_add_byte(line, ' ');
	buf_add_u64(line, reply->sent_bytes);
	add_quoted(line, request->referer, REFERER_MAX);
	add_quoted(line, request->agent, AGENT_MAX);
	buf_add_byte(line, ' ');
	add_seconds(line, reply->took_ms);
	buf_add_byte(line, ' ');
	add_field(line, reply->id, "-", ID_MAX + sizeof(CUT));
	buf_add_byte(line, '\n');
}
