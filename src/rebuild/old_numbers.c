#include "rebuild/old_numbers.h"

#include "base/mem.h"
#include "catalog/catalog.h"

#include <stdlib.h>

#define LEAPS      (OLD_NUMBER_MOST / CATALOG_LEAP)
#define LEAPS_MOST 1024 /* beyond where most of them lie */

struct old_numbers {
	uint32_t count[LEAPS];
	int64_t highest[LEAPS];
};

struct old_numbers *old_numbers_new(void)
{
	return xcalloc(1, sizeof(struct old_numbers));
}

void old_numbers_free(struct old_numbers *numbers)
{
	free(numbers);
}

void old_numbers_note(struct old_numbers *numbers, int64_t number)
{
	int64_t leap = number / CATALOG_LEAP;

	if (number <= 0 || number >= OLD_NUMBER_MOST)
		return;
	if (numbers->count[leap] < UINT32_MAX)
		numbers->count[leap]++;
	if (number > numbers->highest[leap])
		numbers->highest[leap] = number;
}

int64_t old_numbers_highest(const struct old_numbers *numbers)
{
	int64_t most = 0, leap;

	for (leap = 1; leap < LEAPS; leap++)
		if (numbers->count[leap] > numbers->count[most])
			most = leap;
	leap = most + LEAPS_MOST < LEAPS ? most + LEAPS_MOST : LEAPS - 1;
	while (leap > most && numbers->count[leap] == 0)
		leap--;
	return numbers->highest[leap];
}
