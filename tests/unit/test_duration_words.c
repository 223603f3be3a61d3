#include "doctor/duration_words.h"

#include "base/compiler.h"
#include "tap.h"

int main(void)
{
	static const struct {
		int64_t ms;
		const char *words;
	} cases[] = {
		{ 0, "0 ms" },        { 250, "250 ms" },         { 999, "999 ms" },
		{ 1000, "1 s" },      { 1500, "1.5 s" },         { 60000, "60 s" },
		{ 119000, "119 s" },  { 120000, "2 min" },       { 121000, "121 s" },
		{ 600000, "10 min" }, { INT64_MAX, "for ever" },
	};
	char room[DURATION_WORDS_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(str_of(duration_words(cases[i].ms, room)), str_of(cases[i].words),
		       "case %zu", i);
	return tap_end();
}
