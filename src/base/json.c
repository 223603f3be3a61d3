#include "base/json.h"

#include "base/utf8.h"

#include "base/clock.h"

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

void json_raw(struct json *json, struct str value)
{
	before_value(json, NULL);
	buf_add_str(json->buf, value);
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
