#include "rebuild/old_numbers.h"

#include "base/str.h"
#include "catalog/catalog.h"
#include "tap.h"

#define LEAP CATALOG_LEAP

int main(void)
{
	static const struct {
		const char *name;
		int64_t told[8]; /* up to the first 0 */
		int64_t highest;
	} cases[] = {
		{ "nothing is told", { 0 }, 0 },
		{ "one", { 17 }, 17 },
		{ "in no order", { 9, 17, 3 }, 17 },
		{ "what cannot be is passed over",
		  { 9, -1, INT64_MAX, INT64_MIN, OLD_NUMBER_MOST },
		  9 },
		{ "garbage that could be, among others", { 9, 17, OLD_NUMBER_MOST - 1 }, 17 },
		{ "beside one alone", { 9, OLD_NUMBER_MOST - 1 }, 9 },
		{ "several leaps", { 9, LEAP + 1, 3 * LEAP + 7 }, 3 * LEAP + 7 },
		{ "most of them lie behind many leaps, and the oldest far before",
		  { 9, 200 * LEAP, 200 * LEAP + 1, 201 * LEAP },
		  201 * LEAP },
		{ "a thousand leaps beyond most of them", { 9, 1024 * LEAP }, 1024 * LEAP },
		{ "one more is garbage", { 9, 1025 * LEAP }, 9 },
		{ "all of it lies at the end",
		  { OLD_NUMBER_MOST - 2, OLD_NUMBER_MOST - 1 },
		  OLD_NUMBER_MOST - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(old_numbers_free) struct old_numbers *numbers = old_numbers_new();

		for (size_t n = 0; n < ARRAY_LEN(cases[i].told) && cases[i].told[n] != 0; n++)
			old_numbers_note(numbers, cases[i].told[n]);
		IS_INT(old_numbers_highest(numbers), cases[i].highest, "%s", cases[i].name);
	}
	return tap_end();
}
