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

bool utf8_is_valid(struct str s)
{
	while (s.len > 0) {
		size_t len = utf8_len(s);

		if (len == 0)
			return false;
		s = str_after(s, len);
	}
	return true;
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

/* Of one well-formed sequence: U+0000..1F, 7F..9F, 2028..202E, 2066..2069. */
static bool is_obeyed(struct str c)
{
	const unsigned char *at = (const unsigned char *)c.at;

	if (c.len == 1)
		return at[0] < ' ' || at[0] == 0x7f;
	if (c.len == 2)
		return at[0] == 0xc2 && at[1] < 0xa0;
	return c.len == 3 && at[0] == 0xe2 &&
	       ((at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
		(at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

/* What stands for the first character of s, or for a byte that begins none; *out_len: how long that was. */
static struct str replacement(struct str s, bool for_terminal, size_t *out_len)
{
	size_t len = utf8_len(s);
	struct str c = str_first(s, len);

	*out_len = len > 0 ? len : 1;
	if (len > 0 && for_terminal && is_obeyed(c))
		return STR("?");
	return len > 0 && s.at[0] != '\0' ? c : STR(UTF8_REPLACEMENT);
}

static char *replace(struct str s, bool for_terminal)
{
	char *text = xmalloc(sizeof(UTF8_REPLACEMENT) * s.len + 1), *at = text;

	while (s.len > 0) {
		size_t len;
		struct str piece = replacement(s, for_terminal, &len);

		memcpy(at, piece.at, piece.len);
		at += piece.len;
		s = str_after(s, len);
	}
	*at = '\0';
	return text;
}

char *utf8_replace(struct str s)
{
	return replace(s, false);
}

char *utf8_plain(struct str s)
{
	return replace(s, true);
}
