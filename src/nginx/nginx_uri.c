#include "nginx/nginx_uri.h"

/* A byte of the path, decoded; *at moves behind it. */
static bool next_byte(struct str path, size_t *at, char *out, bool *out_quoted)
{
	char c = path.at[*at];

	if (c != '%') {
		*out = c;
		*at += 1;
		return true;
	}
	if (path.len - *at < 3)
		return false;

	int high = ascii_hex_value(path.at[*at + 1]), low = ascii_hex_value(path.at[*at + 2]);

	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return false;
	*out = (char)(high << 4 | low);
	*out_quoted = true;
	*at += 3;
	return true;
}

/* Takes the last segment off, "/a/b/" or "/a/b" to "/a/".  False: there is none. */
static bool climb(struct buf *out)
{
	size_t len = out->len;

	if (len <= 1)
		return false;
	len--; /* the slash that ends it */
	while (len > 0 && out->at[len - 1] != '/')
		len--;
	out->len = len;
	return true;
}

/* A segment is whole: "." and ".." go away.  `from`: where it begins. */
static bool end_segment(struct buf *out, size_t from)
{
	struct str segment = { out->at + from, out->len - from };

	if (str_eq(segment, STR("."))) {
		out->len = from;
		return true;
	}
	if (!str_eq(segment, STR("..")))
		return true;
	out->len = from;
	return climb(out);
}

static size_t segment_start(const struct buf *out)
{
	size_t from = out->len;

	while (from > 0 && out->at[from - 1] != '/')
		from--;
	return from;
}

static bool ends_in_dots(const struct buf *out)
{
	struct str segment = str_after((struct str){ out->at, out->len }, segment_start(out));

	return str_eq(segment, STR(".")) || str_eq(segment, STR(".."));
}

/* Behind "." and ".." no slash is added: what they leave ends in one. */
static bool add_slash(struct buf *out, bool merges)
{
	if (ends_in_dots(out))
		return end_segment(out, segment_start(out));
	if (!merges || out->len == 0 || out->at[out->len - 1] != '/')
		buf_add_byte(out, '/');
	return true;
}

static bool add_byte(struct buf *out, char c, bool merges)
{
	if (c == '/')
		return add_slash(out, merges);
	buf_add_byte(out, c);
	return true;
}

bool nginx_uri_normalize(struct str target, bool merges, struct buf *out, struct str *out_args,
			 bool *out_quoted)
{
	struct str whole = str_first(target, str_find(target, '#'));
	size_t query = str_find(whole, '?'), at = 0;
	struct str path = str_first(whole, query);

	*out_args = str_after(whole, query + 1);
	*out_quoted = false;
	if (!str_starts(path, STR("/")))
		return false;
	while (at < path.len) {
		char c;

		if (!next_byte(path, &at, &c, out_quoted))
			return false;
		if (!add_byte(out, c, merges))
			return false;
	}
	if (ends_in_dots(out) && !end_segment(out, segment_start(out)))
		return false;
	return buf_ok(out);
}

static bool must_escape(char c)
{
	return c <= ' ' || c == '#' || c == '%' || c == '?' || c == 0x7f;
}

void nginx_uri_escape(struct str path, struct buf *out)
{
	for (size_t i = 0; i < path.len; i++) {
		if ((path.at[i] & 0x80) || must_escape(path.at[i]))
			buf_addf(out, "%%%02X", (unsigned char)path.at[i]);
		else
			buf_add_byte(out, path.at[i]);
	}
}
