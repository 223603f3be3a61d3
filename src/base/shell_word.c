#include "base/shell_word.h"

static bool is_plain(struct str word)
{
	static const char plain[] = "-_./:=,@%+";

	for (size_t i = 0; i < word.len; i++) {
		char c = ascii_lower(word.at[i]);

		if (!ascii_is_digit(c) && (c < 'a' || c > 'z') &&
		    str_find(str_of(plain), c) == sizeof(plain) - 1)
			return false;
	}
	return word.len > 0;
}

void shell_word_add(struct buf *out, struct str word)
{
	if (is_plain(word)) {
		buf_add_str(out, word);
		return;
	}
	buf_add_byte(out, '\'');
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] == '\'')
			buf_add_text(out, "'\\''");
		else
			buf_add_byte(out, word.at[i]);
	buf_add_byte(out, '\'');
}
