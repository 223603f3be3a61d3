#include "config/config_file.h"

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

enum config_result config_file_next(struct config_file *file, struct config_line *out,
				    struct err *err)
{
	struct str line;

	while (str_cut(&file->rest, '\n', &line)) {
		file->line_number++;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		line = str_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (str_find(line, '\0') < line.len) {
			err_set(err, ERR_INVALID, "a NUL byte");
			return CONFIG_BAD;
		}

		size_t equals = str_find(line, '=');

		out->key = str_trim(str_first(line, equals));
		out->value = str_trim(str_after(line, equals + 1));
		if (equals == line.len || !is_key(out->key)) {
			err_set(err, ERR_INVALID, "expected 'key = value'");
			return CONFIG_BAD;
		}
		return CONFIG_LINE;
	}
	return CONFIG_END;
}
