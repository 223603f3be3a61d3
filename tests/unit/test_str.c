#include "base/str.h"
#include "tap.h"

#include <string.h>

static void numbers(void)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
		{ "-1", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t value = 0;
		bool good = str_to_u64(str_of(cases[i].text), &value);

		OK(good == cases[i].good && value == cases[i].value, "'%s' as a number",
		   cases[i].text);
	}

	uint64_t hex = 0;
	int64_t negative = 0;

	OK(str_hex_to_u64(STR("fFff"), &hex) && hex == 0xffff, "hexadecimal of both cases");
	OK(!str_hex_to_u64(STR("10000000000000000"), &hex), "hexadecimal that overflows");
	OK(str_to_i64(STR("-42"), &negative) && negative == -42, "a negative number");
	OK(!str_to_i64(STR("9223372036854775808"), &negative), "a signed number that overflows");
}

static void durations(void)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "250ms", 250 },
		{ "30s", 30000 },
		{ "15m", 900000 },
		{ "12h", 43200000 },
		{ "7d", 604800000 },
		{ "forever", INT64_MAX },
		{ "0s", 0 },
		{ "30", -1 },
		{ "s", -1 },
		{ "-1s", -1 },
		{ "1.5s", -1 },
		{ "9223372036854775807d", -1 },
		{ "", -1 },
		{ "365000d", INT64_C(31536000000000) },
		{ "8760001h", INT64_MAX }, /* its end would have a year of five digits, or none */
		{ "106751991167d", INT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		bool good = str_to_duration_ms(str_of(cases[i].text), &ms);

		OK(good == (cases[i].ms >= 0), "'%s' as a duration", cases[i].text);
		if (good)
			IS_INT(ms, cases[i].ms, "milliseconds of '%s'", cases[i].text);
	}
}

static void cutting(void)
{
	struct str rest = STR("a,,b"), piece;

	OK(str_cut(&rest, ',', &piece) && str_eq(piece, STR("a")), "the first piece");
	OK(str_cut(&rest, ',', &piece) && str_eq(piece, STR("")), "an empty piece");
	OK(str_cut(&rest, ',', &piece) && str_eq(piece, STR("b")), "the last piece");
	OK(!str_cut(&rest, ',', &piece), "no piece is left");

	rest = STR("a,");
	OK(str_cut(&rest, ',', &piece) && str_eq(piece, STR("a")),
	   "a text that ends in the separator");
}

static void comparing(void)
{
	OK(str_eq_nocase(STR("Content-TYPE"), STR("content-type")), "case does not count");
	OK(!str_eq_nocase(STR("a"), STR("ab")), "length counts");
	OK(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")), "prefixes");
	OK(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")), "endings");
	IS_INT(str_compare(STR("ab"), STR("ab")), 0, "what is equal has no order");
	IS_INT(str_compare(STR(""), STR_NONE), 0, "nor has nothing");
	OK(str_compare(STR("a"), STR("ab")) < 0 && str_compare(STR("b"), STR("ab")) > 0, "order");
	IS_STR(str_trim(STR(" \t x y\t ")), STR("x y"), "white space at both ends");
	IS_INT(str_find_str(STR("hello"), STR("ll")), 2, "a part is found");
	IS_INT(str_find(STR("hello"), 'z'), 5, "what is not there is at the end");
	IS_STR(str_after(STR("abc"), 9), STR(""), "skipping is clamped");
}

static void copying(void)
{
	char room[4];

	OK(str_copy(STR("abc"), room, sizeof(room)) && strcmp(room, "abc") == 0, "what fits");
	OK(!str_copy(STR("wxyz"), room, sizeof(room)) && strcmp(room, "abc") == 0,
	   "one more does not, and nothing is written");
	OK(str_copy(STR_NONE, room, sizeof(room)) && room[0] == '\0', "nothing is an empty text");
	str_fit(STR("wxyz"), room, sizeof(room));
	OK(strcmp(room, "wxy") == 0, "as much of it as fits");
	str_fit(STR("ab"), room, sizeof(room));
	OK(strcmp(room, "ab") == 0, "all of it where that fits");
	str_fit(STR_NONE, room, sizeof(room));
	OK(room[0] == '\0', "nothing fits everywhere");
	IS_INT(strlen(room), 0, "and ends");
}

int main(void)
{
	numbers();
	durations();
	cutting();
	comparing();
	copying();
	return tap_end();
}
