#include "base/suggestion.h"
#include "tap.h"

int main(void)
{
	static const struct {
		const char *word, *best; /* NULL: none */
		const char *name;
	} cases[] = {
		{ "serve", "serve", "the word itself" },
		{ "srve", "serve", "a character left out" },
		{ "servee", "serve", "one added" },
		{ "serbe", "serve", "one replaced" },
		{ "sevre", "serve", "two exchanged" },
		{ "retenton", "retention", "a long word" },
		{ "retetnoin", "retention", "two mistakes in a long word" },
		{ "status", "status", "the nearest, not the first" },
		{ "frobnicate", NULL, "nothing like it" },
		{ "xx", NULL, "too short to be like anything" },
		{ "", NULL, "no word" },
	};
	static const char *const names[] = { "serve", "stats", "status", "retention", "path" };
	char text[SUGGESTION_MAX + 2];
	struct suggestion near;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		suggestion_start(&near, str_of(cases[i].word));
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			suggestion_offer(&near, names[k]);
		IS_STR(str_of(near.best), str_of(cases[i].best), "%s: '%s'", cases[i].name,
		       cases[i].word);
	}
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	suggestion_start(&near, str_of(text));
	suggestion_offer(&near, "a");
	suggestion_offer(&near, text);
	OK(!near.best, "what is too long is like nothing");
	suggestion_start(&near, STR("a"));
	suggestion_offer(&near, text);
	OK(!near.best, "nor is anything like what is too long");
	return tap_end();
}
