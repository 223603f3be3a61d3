#include "base/json.h"

#include "base/utf8.h"

#include "base/clock.h"

#include <string.h>

/* What does not stand for itself, or may be a part of a longer character. */
static const bool special[256] = {
	[0 ... 0x1f] = true, ['"'] = true, ['<'] = true, ['\\'] = true, [0x7f ... 0xff] = true,
};

/* How many bytes of its beginning stand for themselves: nearly all of nearly every text. */
static size_t plain_len(struct str s)
{
	size_t len = 0;

	while (len < s.len && !special[(unsigned char)s.at[len]])
		len++;
	return len;
}

static void add_character(struct buf *buf, struct str s, size_t utf8)
{
	unsigned char c = (unsigned char)s.at[0];

	if (c == '"' || c == '\\') {
		buf_add_byte(buf, '\\');
		buf_add_byte(buf, (char)c);
	} else if (c == '<') {
		buf_add_text(buf, "\\u003c"); /* never a tag, wherever the text ends up */
	} else if (c < 0x20 || c == 0x7f) {
		buf_addf(buf, "\\u%04x", c);
	} else if (utf8 == 0) {
		buf_add_text(buf, "\xef\xbf\xbd");
	} else {
		buf_add(buf, s.at, utf8);
	}
}

/* Between quotes, in one piece where all of it stands for itself; `end` comes behind them. */
static void add_quoted(struct buf *buf, struct str s, const char *end)
{
	size_t plain = plain_len(s), end_len = strlen(end);
	char *to = plain == s.len ? buf_room(buf, s.len + 2 + end_len) : NULL;

	if (to) {
		to[0] = '"';
		memcpy(to + 1, s.at, s.len);
		to[s.len + 1] = '"';
		memcpy(to + s.len + 2, end, end_len);
		buf_added(buf, s.len + 2 + end_len);
		return;
	}
	buf_add_byte(buf, '"');
	for (; s.len > 0; plain = plain_len(s)) {
		size_t len = plain ? plain : utf8_len(s);

		if (plain > 0)
			buf_add(buf, s.at, plain);
		else
			add_character(buf, s, len);
		s = str_after(s, len ? len : 1);
	}
	buf_add_byte(buf, '"');
	buf_add_text(buf, end);
}

/* What stands before every value: the comma, and in an object the key. */
static void before_value(struct json *json, const char *key)
{
	if (json->comma)
		buf_add_byte(json->buf, ',');
	json->comma = true;
	if (key)
		add_quoted(json->buf, str_of(key), ":");
}

void json_start(struct json *json, struct buf *buf)
{
	*json = (struct json){ .buf = buf };
}

void json_open(struct json *json, const char *key, char bracket)
{
	before_value(json, key);
	buf_add_byte(json->buf, bracket);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	buf_add_byte(json->buf, bracket);
	json->comma = true;
}

void json_text(struct json *json, const char *key, struct str value)
{
	if (!value.at) {
		json_nothing(json, key);
		return;
	}
	before_value(json, key);
	add_quoted(json->buf, value, "");
}

void json_raw(struct json *json, struct str value)
{
	before_value(json, NULL);
	buf_add_str(json->buf, value);
}

static void add_int(struct buf *buf, int64_t value)
{
	if (value < 0)
		buf_add_byte(buf, '-');
	buf_add_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_int(struct json *json, const char *key, int64_t value)
{
	before_value(json, key);
	add_int(json->buf, value);
}

void json_seconds(struct json *json, const char *key, int64_t ms)
{
	before_value(json, key);
	buf_addf(json->buf, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

void json_hundredths(struct json *json, const char *key, int64_t hundredths)
{
	long long size = hundredths < 0 ? -hundredths : hundredths;

	before_value(json, key);
	buf_addf(json->buf, "%s%lld.%02lld", hundredths < 0 ? "-" : "", size / 100, size % 100);
}

void json_bool(struct json *json, const char *key, bool value)
{
	before_value(json, key);
	buf_add_text(json->buf, value ? "true" : "false");
}

void json_nothing(struct json *json, const char *key)
{
	before_value(json, key);
	buf_add_text(json->buf, "null");
}

void json_date(struct json *json, const char *key, int64_t wall_ms)
{
	char text[ISO_DATE_SIZE];

	if (wall_ms == 0) {
		json_nothing(json, key);
		return;
	}
	clock_iso_date(wall_ms, text);
	json_text(json, key, str_of(text));
}
