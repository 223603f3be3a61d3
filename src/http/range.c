#include "http/range.h"

/*
 * Digits to a number; more than 64 bits hold are as good as the largest, because
 * no body is that long: "bytes=0-99999999999999999999" is well-formed.
 */
static bool read_number(struct str *rest, uint64_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < rest->len && ascii_is_digit(rest->at[i]); i++) {
		uint64_t digit = (uint64_t)(rest->at[i] - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	if (i == 0)
		return false;
	*rest = str_after(*rest, i);
	*out = n;
	return true;
}

/* Is a < b, both digits?  Beyond 64 bits, too, where read_number() tells no difference. */
static bool is_less(struct str a, struct str b)
{
	while (a.len > 0 && a.at[0] == '0')
		a = str_after(a, 1);
	while (b.len > 0 && b.at[0] == '0')
		b = str_after(b, 1);
	return a.len != b.len ? a.len < b.len : str_compare(a, b) < 0;
}

enum spec_result { SPEC_BAD, SPEC_OUTSIDE, SPEC_INSIDE };

/* One of "a-b", "a-", "-n", clamped to the body. */
static enum spec_result read_spec(struct str spec, uint64_t size, struct range *out)
{
	uint64_t first, last = UINT64_MAX, suffix;
	size_t dash = str_find(spec, '-');
	struct str first_digits = str_first(spec, dash), last_digits = str_after(spec, dash + 1);

	if (spec.len > 0 && spec.at[0] == '-') {
		spec = str_after(spec, 1);
		if (!read_number(&spec, &suffix) || spec.len > 0)
			return SPEC_BAD;
		if (suffix == 0 || size == 0)
			return SPEC_OUTSIDE;
		*out = (struct range){ suffix < size ? size - suffix : 0, size - 1 };
		return SPEC_INSIDE;
	}
	if (!read_number(&spec, &first) || spec.len == 0 || spec.at[0] != '-')
		return SPEC_BAD;
	spec = str_after(spec, 1);
	if (spec.len > 0 && (!read_number(&spec, &last) || spec.len > 0))
		return SPEC_BAD;
	if (last_digits.len > 0 && is_less(last_digits, first_digits))
		return SPEC_BAD;
	if (first >= size)
		return SPEC_OUTSIDE;
	*out = (struct range){ first, last < size ? last : size - 1 };
	return SPEC_INSIDE;
}

enum range_result range_parse(struct str header, uint64_t size, struct ranges *out)
{
	struct ranges found = { 0 };
	unsigned asked = 0;
	uint64_t total = 0;
	struct str piece;

	if (!str_starts_nocase(header, STR("bytes=")))
		return RANGE_WHOLE;
	header = str_after(header, sizeof("bytes=") - 1);
	while (str_cut(&header, ',', &piece)) {
		struct range range;

		piece = str_trim(piece);
		if (piece.len ==
		    0) /* empty elements of a list count as not there (RFC 9110, 5.6.1) */
			continue;
		if (++asked > RANGES_MAX)
			return RANGE_WHOLE;
		switch (read_spec(piece, size, &range)) {
		case SPEC_BAD:
			return RANGE_WHOLE;
		case SPEC_OUTSIDE:
			break;
		case SPEC_INSIDE:
			found.at[found.count++] = range;
			total += range.last - range.first + 1;
			/* Only ranges that overlap can be more than the body. */
			if (total > size)
				return RANGE_WHOLE;
			break;
		}
	}
	if (asked == 0)
		return RANGE_WHOLE;
	if (found.count == 0)
		return RANGE_OUTSIDE;
	*out = found;
	return RANGE_SOME;
}
