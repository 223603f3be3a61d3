#include "base/shell_word.h"

#include "base/compiler.h"
#include "tap.h"

static const struct {
	const char *word, *wanted, *name;
} cases[] = {
	{ "/etc/callspool.conf", "/etc/callspool.conf", "a path" },
	{ "http://127.0.0.1:8080", "http://127.0.0.1:8080", "an address" },
	{ "-", "-", "standard input" },
	{ "", "''", "nothing at all" },
	{ "a b", "'a b'", "a blank" },
	{ "$(reboot)", "'$(reboot)'", "what the shell would run" },
	{ "it's", "'it'\\''s'", "a quote" },
	{ "~/x", "'~/x'", "a home" },
	{ "a*", "'a*'", "a pattern" },
	{ "caf\xc3\xa9", "'caf\xc3\xa9'", "a letter of another alphabet" },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		struct buf out;

		buf_over(&out, text, sizeof(text));
		shell_word_add(&out, str_of(cases[i].word));
		IS_STR(buf_str(&out), str_of(cases[i].wanted), "%s", cases[i].name);
	}
	return tap_end();
}
