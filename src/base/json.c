#include "base/json.h"

#include "base/clock.h"

/* The length of the well-formed UTF-8 sequence that s begins with, 0 if it is not one (RFC 3629). */
static size_t utf8_len(struct str s)
{
	const unsigned char *c = (const unsigned char *)s.at;
	size_t len = c[0] < 0x80   ? 1
		     : c[0] < 0xc2 ? 0
		     : c[0] < 0xe0 ? 2
		     : c[0] < 0xf0 ? 3
		     : c[0] < 0xf5 ? 4
				   : 0;

	if (len == 0 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	if (c[0] == 0xe0 && c[1] < 0xa0) /* overlong */
		return 0;
	if (c[0] == 0xed && c[1] > 0x9f) /* surrogates */
		return 0;
	if (c[0] == 0xf0 && c[1] < 0x90) /* overlong */
		return 0;
	if (c[0] == 0xf4 && c[1] > 0x8f) /* beyond U+10FFFF */
		return 0;
	return len;
}

/* How many bytes of its beginning stand for themselves: nearly all of nearly every text. */
static size_t plain_len(struct str s)
{
	size_t len = 0;

	while (len < s.len && s.at[len] >= 0x20 && s.at[len] < 0x7f && s.at[len] != '"' &&
	       s.at[len] != '\\' && s.at[len] != '<')
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

static void add_quoted(struct buf *buf, struct str s)
{
	buf_add_byte(buf, '"');
	while (s.len > 0) {
		size_t len = plain_len(s);

		if (len > 0) {
			buf_add(buf, s.at, len);
		} else {
			len = utf8_len(s);
			add_character(buf, s, len);
		}
		s = str_after(s, len ? len : 1);
	}
	buf_add_byte(buf, '"');
}

/* What stands before every value: the comma, and in an object the key. */
static void before_value(struct json *json, const char *key)
{
	if (json->comma)
		buf_add_byte(json->buf, ',');
	json->comma = true;
	if (key) {
		add_quoted(json->buf, str_of(key));
		buf_add_byte(json->buf, ':');
	}
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
	add_quoted(json->buf, value);
}

void json_int(struct json *json, const char *key, int64_t value)
{
	before_value(json, key);
	buf_addf(json->buf, "%lld", (long long)value);
}

void json_seconds(struct json *json, const char *key, int64_t ms)
{
	before_value(json, key);
	buf_addf(json->buf, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
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
