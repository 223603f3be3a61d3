#include "base/str.h"

#include "base/mem.h"

#define DURATION_MOST_MS (INT64_C(1000) * 365 * 24 * 3600 * 1000)

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		/* Most bytes are the same as they stand. */
		if (a.at[i] != b.at[i] && ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool str_starts_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq_nocase(str_first(s, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_after(s, s.len - suffix.len), suffix);
}

int str_compare(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t str_find_str(struct str s, struct str part)
{
	const char *found = s.len > 0 ? memmem(s.at, s.len, part.at, part.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

bool str_cut(struct str *rest, char separator, struct str *out_piece)
{
	if (!rest->at)
		return false;

	size_t end = str_find(*rest, separator);

	*out_piece = str_first(*rest, end);
	*rest = end < rest->len ? str_after(*rest, end + 1) : STR_NONE;
	return true;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.at[i]))
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
	bool negative = s.len > 0 && s.at[0] == '-';
	uint64_t n;

	if (!str_to_u64(negative ? str_after(s, 1) : s, &n) || n > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

bool str_hex_to_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = ascii_hex_value(s.at[i]);

		if (digit < 0 || n >> 60 != 0)
			return false;
		n = n << 4 | (uint64_t)digit;
	}
	*out = n;
	return true;
}

bool str_to_duration_ms(struct str s, int64_t *out_ms)
{
	static const struct {
		struct str unit;
		int64_t ms;
	} units[] = {
		{ STR("ms"), 1 }, /* before "s": the longer ending first */
		{ STR("s"), 1000 },        { STR("m"), 60 * 1000 },
		{ STR("h"), 3600 * 1000 }, { STR("d"), 24 * 3600 * 1000 },
	};

	if (str_eq(s, STR("forever"))) {
		*out_ms = INT64_MAX;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		int64_t n, ms;

		if (!str_ends(s, units[i].unit))
			continue;
		if (!str_to_i64(str_first(s, s.len - units[i].unit.len), &n) || n < 0)
			return false;
		if (__builtin_mul_overflow(n, units[i].ms, &ms))
			return false;
		*out_ms = ms > DURATION_MOST_MS ? INT64_MAX : ms;
		return true;
	}
	return false;
}

bool str_copy(struct str s, char *to, size_t size)
{
	if (s.len >= size)
		return false;
	if (s.len > 0)
		memcpy(to, s.at, s.len);
	to[s.len] = '\0';
	return true;
}

void str_fit(struct str s, char *to, size_t size)
{
	struct str fits = str_first(s, size - 1);

	if (fits.len > 0)
		memcpy(to, fits.at, fits.len);
	to[fits.len] = '\0';
}

char *str_dup(struct str s)
{
	return xmemdup0(s.at, s.len);
}
