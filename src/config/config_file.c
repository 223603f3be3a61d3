#include "config/config_file.h"

#include "base/mem.h"

void config_file_start(struct config_file *file, struct str text)
{
	*file = (struct config_file){ .rest = text.at ? text : STR("") };
}

static bool is_key(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && c != '_' && c != '.')
			return false;
	}
	return text.len > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes a value in quotes off the line; what stands behind it is left. */
static bool take_quoted(struct str *line, struct config_line *out, struct err *err)
{
	char quote = line->at[0];

	for (size_t i = 1; i < line->len; i++) {
		if (line->at[i] == quote) {
			out->value = str_first(str_after(*line, 1), i - 1);
			*line = str_after(*line, i + 1);
			return true;
		}
		if (quote != '"' || line->at[i] != '\\')
			continue;
		i++;
		if (i < line->len && line->at[i] != '"' && line->at[i] != '\\')
			return err_set(
				err, ERR_INVALID,
				"'\\%c' has no meaning in double quotes: write \\\\ for a backslash, or use single quotes",
				line->at[i]);
		out->has_escapes = true;
	}
	return err_set(err, ERR_INVALID, "the quote %c is not closed", quote);
}

static void take_plain(struct str *line, struct config_line *out)
{
	size_t len = 0;

	while (len < line->len &&
	       !(line->at[len] == '#' && (len == 0 || is_blank(line->at[len - 1]))))
		len++;
	out->value = str_trim(str_first(*line, len));
	*line = str_after(*line, len);
}

static bool read_line(struct str line, struct config_line *out, struct err *err)
{
	size_t equals = str_find(line, '=');
	struct str rest = str_trim(str_after(line, equals + 1)), behind;

	*out = (struct config_line){ .key = str_trim(str_first(line, equals)) };
	if (equals == line.len || !is_key(out->key))
		return err_set(err, ERR_INVALID, "expected 'key = value'");
	for (size_t i = 0; i < rest.len; i++)
		if ((unsigned char)rest.at[i] < ' ' && rest.at[i] != '\t')
			return err_set(err, ERR_INVALID, "a control character (byte %d)",
				       rest.at[i]);
	if (rest.len == 0 || (rest.at[0] != '"' && rest.at[0] != '\'')) {
		take_plain(&rest, out);
		return true;
	}
	if (!take_quoted(&rest, out, err))
		return false;
	behind = str_trim(rest);
	if (behind.len > 0 && (behind.at[0] != '#' || !is_blank(rest.at[0])))
		return err_set(err, ERR_INVALID, "'%.*s' follows the closing quote",
			       STR_ARG(str_first(behind, 20)));
	return true;
}

enum config_result config_file_next(struct config_file *file, struct config_line *out,
				    struct err *err)
{
	struct str line;

	while (str_cut(&file->rest, '\n', &line)) {
		file->line_number++;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		line = str_trim(line);
		if (line.len > 0 && line.at[0] != '#')
			return read_line(line, out, err) ? CONFIG_LINE : CONFIG_BAD;
	}
	return CONFIG_END;
}

char *config_line_value(const struct config_line *line)
{
	char *text = str_dup(line->value);
	size_t len = 0;

	if (!line->has_escapes)
		return text;
	for (size_t i = 0; i < line->value.len; i++) {
		if (line->value.at[i] == '\\')
			i++;
		text[len++] = line->value.at[i];
	}
	text[len] = '\0';
	return text;
}

static bool needs_quotes(struct str value)
{
	if (value.len == 0)
		return false;
	if (strchr("#\"'", value.at[0]) || !str_eq(str_trim(value), value))
		return true;
	for (size_t i = 1; i < value.len; i++)
		if (value.at[i] == '#' && is_blank(value.at[i - 1]))
			return true;
	return false;
}

char *config_quote(struct str value)
{
	char *text, *at;

	if (!needs_quotes(value))
		return str_dup(value);
	text = at = xmalloc(2 * value.len + 3);
	*at++ = '"';
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '"' || value.at[i] == '\\')
			*at++ = '\\';
		*at++ = value.at[i];
	}
	*at++ = '"';
	*at = '\0';
	return text;
}
