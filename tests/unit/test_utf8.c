#include "base/utf8.h"
#include "tap.h"

#include <stdlib.h>

#define R UTF8_REPLACEMENT

static void test_plain(void)
{
	static const struct {
		struct str text;
		const char *plain;
		const char *name;
	} cases[] = {
		{ { "a b~", 4 }, "a b~", "what is shown" },
		{ { "\xd7\xa9\xc2\xa0\xc3\xa9", 6 },
		  "\xd7\xa9\xc2\xa0\xc3\xa9",
		  "beyond ASCII, too" },
		{ { "\x1b[2J\r\n\t\x7f", 8 }, "?[2J????", "C0 and DEL" },
		{ { "\0", 1 }, "?", "a NUL" },
		{ { "\xc2\x9b"
		    "2J\xc2\x80\xc2\x9f",
		    8 },
		  "?2J??",
		  "C1" },
		{ { "\x9b", 1 }, R, "C1 as a byte" },
		{ { "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9", 12 },
		  "????",
		  "lines and directions" },
		{ { "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", 12 },
		  "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
		  "their neighbours" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = utf8_plain(cases[i].text);

		IS_STR(str_of(text), str_of(cases[i].plain), "plain: %s", cases[i].name);
		free(text);
	}
}

int main(void)
{
	static const struct {
		struct str text;
		const char *replaced;
		const char *name;
	} cases[] = {
		{ { "", 0 }, "", "nothing" },
		{ { "abc", 3 }, "abc", "ASCII" },
		{ { "\xd7\xa9\xd7\x9c", 4 }, "\xd7\xa9\xd7\x9c", "Hebrew" },
		{ { "\xf0\x9f\x93\x9e", 4 }, "\xf0\x9f\x93\x9e", "four bytes" },
		{ { "a\0b", 3 }, "a" R "b", "a NUL" },
		{ { "a\xff", 2 }, "a" R, "a byte of no sequence" },
		{ { "\xd7", 1 }, R, "a sequence that is cut" },
		{ { "\xd7z", 2 }, R "z", "one that does not go on" },
		{ { "\xc0\xaf", 2 }, R R, "an overlong one" },
		{ { "\xed\xa0\x80", 3 }, R R R, "a surrogate" },
		{ { "\xf4\x90\x80\x80", 4 }, R R R R, "beyond U+10FFFF" },
		{ { "\x80", 1 }, R, "a continuation alone" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = utf8_replace(cases[i].text);

		IS_STR(str_of(text), str_of(cases[i].replaced), "%s: replaced", cases[i].name);
		IS_INT(utf8_is_text(cases[i].text), str_eq(str_of(text), cases[i].text),
		       "%s: told apart", cases[i].name);
		OK(utf8_is_text(str_of(text)), "%s: text then", cases[i].name);
		free(text);
	}
	test_plain();
	return tap_end();
}
