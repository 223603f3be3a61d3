#include "http/form.h"

#include "base/mem.h"
#include "base/own.h"

/* Decodes `text` to `to`, which has room for all of it; false on a bad escape. */
static bool decode(struct str text, bool plus_is_space, char *to, size_t *out_len)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '%') {
			int high = i + 2 < text.len ? ascii_hex_value(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? ascii_hex_value(text.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		to[len++] = c;
	}
	*out_len = len;
	return true;
}

static bool decode_onto(struct str text, char **at, struct str *out)
{
	size_t len;

	if (!decode(text, true, *at, &len))
		return false;
	*out = (struct str){ *at, len };
	*at += len;
	return true;
}

enum form_next form_next(struct str *rest, char **at, struct form_field *out)
{
	struct str pair;

	while (str_cut(rest, '&', &pair)) {
		size_t equals = str_find(pair, '=');

		if (pair.len == 0)
			continue;
		if (!decode_onto(str_first(pair, equals), at, &out->name) ||
		    !decode_onto(str_after(pair, equals + 1), at, &out->value))
			return FORM_MALFORMED;
		return FORM_FIELD;
	}
	return FORM_END;
}

/* At most: pieces between '&' that are not empty. */
static size_t count_fields(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] != '&' && (i == 0 || text.at[i - 1] == '&');
	return count;
}

bool form_read(struct str text, struct form_fields *out)
{
	AUTO(form_fields_release) struct form_fields fields = { .count = 0 };
	enum form_next next;
	char *at;

	fields.at = xcalloc(count_fields(text) + 1, sizeof(*fields.at));
	at = fields.texts = xmalloc(text.len + 1);
	while ((next = form_next(&text, &at, &fields.at[fields.count])) == FORM_FIELD)
		fields.count++;
	if (next == FORM_MALFORMED)
		return false;
	*out = fields;
	fields = (struct form_fields){ .count = 0 };
	return true;
}

bool form_parse(struct str text, struct buf *room, struct form *out)
{
	/* Decoded text is never longer: room for all of it at once, so that nothing moves. */
	char *start = buf_room(room, text.len), *at = start;
	struct form_field field;
	enum form_next next;

	out->count = 0;
	if (!start)
		return false;
	while ((next = form_next(&text, &at, &field)) == FORM_FIELD) {
		if (out->count == FORM_FIELDS_MAX)
			return false;
		out->fields[out->count++] = field;
	}
	if (next == FORM_MALFORMED)
		return false;
	buf_added(room, (size_t)(at - start));
	return true;
}

struct str form_field(const struct form *form, struct str name)
{
	for (size_t i = 0; i < form->count; i++)
		if (str_eq(form->fields[i].name, name))
			return form->fields[i].value;
	return STR_NONE;
}

void form_encode(struct buf *buf, struct str value)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			buf_add_byte(buf, (char)c);
		} else {
			char escape[3] = { '%', digits[c >> 4], digits[c & 15] };

			buf_add(buf, escape, sizeof(escape));
		}
	}
}

bool url_decode(struct str text, struct buf *out)
{
	char *at = buf_room(out, text.len);
	size_t len;

	if (!at || !decode(text, false, at, &len) || memchr(at, '\0', len))
		return false;
	buf_added(out, len);
	return true;
}
