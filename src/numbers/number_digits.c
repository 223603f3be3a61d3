#include "numbers/number_digits.h"

#include <string.h>

static struct digits reverse_digits(struct str text)
{
	struct digits out;
	size_t len = 0;

	for (size_t i = text.len; i > 0 && len < DIGITS_MAX; i--)
		if (ascii_is_digit(text.at[i - 1]))
			out.text[len++] = text.at[i - 1];
	out.text[len] = '\0';
	return out;
}

struct digits digits_of_address(struct str address)
{
	struct digits out = { "" };

	if (str_starts_nocase(address, STR("client:")))
		return out;
	/* "sip:+97250...@host": the host's digits are nobody's number. */
	out = reverse_digits(str_first(address, str_find(address, '@')));
	if (strlen(out.text) < DIGITS_SEARCH_MIN)
		out.text[0] = '\0';
	return out;
}

struct digits digits_of_search(struct str typed)
{
	struct digits out = reverse_digits(typed);
	size_t len = strlen(out.text);

	while (len && out.text[len - 1] == '0') /* reversed: the leading zeros stand last */
		len--;
	out.text[len] = '\0';
	return out;
}

bool digits_hold(const struct digits *number, const struct digits *sought)
{
	return strstr(number->text, sought->text) != NULL;
}
