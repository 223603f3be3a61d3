#include "nginx/nginx_dump.h"

#define MARKER STR("# configuration file /")

static struct str line_of(struct str rest)
{
	return str_first(rest, str_find(rest, '\n'));
}

static struct str behind_line(struct str rest)
{
	return str_after(rest, str_find(rest, '\n') + 1);
}

/* The path that a marker names. */
static bool is_marker(struct str line, struct str *out_path)
{
	if (str_ends(line, STR("\r")))
		line.len--;
	if (!str_starts(line, MARKER) || !str_ends(line, STR(":")))
		return false;
	*out_path = str_after(str_first(line, line.len - 1), MARKER.len - 1);
	return true;
}

#define VERSION STR("nginx version: ")

static bool may_stand_before(struct str line)
{
	static const struct str starts[] = { { "nginx: ", 7 },
					     { "nginx version: ", 15 },
					     { "built ", 6 },
					     { "TLS SNI ", 8 },
					     { "configure arguments: ", 21 } };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(line, starts[i]))
			return true;
	return str_trim(line).len == 0 || str_eq(line, STR("\r"));
}

/* "nginx/1.29.7 (Ubuntu)", "openresty/1.27.1.2": nginx's own three numbers. */
static unsigned version_of(struct str text)
{
	unsigned version = 0;
	struct str rest = str_after(text, str_find(text, '/') + 1), part;

	rest = str_first(rest, str_find(rest, ' '));
	if (str_ends(rest, STR("\r")))
		rest.len--;
	for (int i = 0; i < 3; i++) {
		uint64_t number;

		if (!str_cut(&rest, '.', &part) || !str_to_u64(part, &number) || number > 999)
			return 0;
		version = version * 1000 + (unsigned)number;
	}
	return version;
}

unsigned nginx_dump_version(struct str text)
{
	struct str path;

	for (; text.len > 0 && !is_marker(line_of(text), &path); text = behind_line(text))
		if (str_starts(line_of(text), VERSION))
			return version_of(line_of(text));
	return 0;
}

bool nginx_is_dump(struct str text)
{
	struct str path;

	while (text.len > 0) {
		if (is_marker(line_of(text), &path))
			return true;
		if (!may_stand_before(line_of(text)))
			return false;
		text = behind_line(text);
	}
	return false;
}

/* The offset of the next line that is a marker, or rest.len. */
static size_t to_marker(struct str rest)
{
	struct str left = rest, path;

	while (left.len > 0 && !is_marker(line_of(left), &path)) {
		size_t found = str_find_str(left, STR("\n# configuration file /"));

		left = str_after(left, found < left.len ? found + 1 : found);
	}
	return rest.len - left.len;
}

bool nginx_dump_cut(struct str *rest, struct str *out_path, struct str *out_text)
{
	struct str left = str_after(*rest, to_marker(*rest)), text;

	if (left.len == 0 || !is_marker(line_of(left), out_path))
		return false;
	left = behind_line(left);
	text = str_first(left, to_marker(left));
	*rest = str_after(left, text.len);
	if (str_ends(text, STR("\n")))
		text.len--;
	*out_text = text;
	return true;
}
