#include "base/utf8.h"

#include "base/mem.h"

size_t utf8_len(struct str s)
{
	if (s.len == 0)
		return 0;

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

bool utf8_is_text(struct str s)
{
	while (s.len > 0) {
		size_t len = utf8_len(s);

		if (len == 0 || s.at[0] == '\0')
			return false;
		s = str_after(s, len);
	}
	return true;
}

char *utf8_replace(struct str s)
{
	const struct str replacement = STR(UTF8_REPLACEMENT);
	char *text = xmalloc(replacement.len * s.len + 1), *at = text;

	while (s.len > 0) {
		size_t len = utf8_len(s);
		bool is_text = len > 0 && s.at[0] != '\0';
		struct str piece = is_text ? str_first(s, len) : replacement;

		memcpy(at, piece.at, piece.len);
		at += piece.len;
		s = str_after(s, is_text ? len : 1);
	}
	*at = '\0';
	return text;
}
