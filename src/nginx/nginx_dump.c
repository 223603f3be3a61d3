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

static bool may_stand_before(struct str line)
{
	return str_trim(line).len == 0 || str_eq(line, STR("\r")) ||
	       str_starts(line, STR("nginx: "));
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
