#include "base/line_pairs.h"

#include "tap.h"

#include <stdint.h>
#include <string.h>

#define PLACES ((size_t)16384) /* 2 MiB */

static bool is_zero(const char *line)
{
	for (size_t i = 0; i < LINE_BYTES; i++)
		if (line[i] != 0)
			return false;
	return true;
}

static void test_pairs(bool in_large_pages, uintptr_t aligned_to)
{
	struct line_pairs *pairs = line_pairs_new(PLACES, in_large_pages);
	struct lines left = line_pairs_left(pairs), right = line_pairs_right(pairs);
	unsigned zeros = 0, beside = 0, kept = 0;

	IS_INT((int64_t)((uintptr_t)left.first % aligned_to), 0,
	       "the first line is the first of a page, or of a pair");
	OK(left.count == PLACES && right.count == PLACES, "as many places on both sides");
	for (size_t place = 0; place < PLACES; place++) {
		char *one = line_at(left, place), *other = line_at(right, place);

		zeros += is_zero(one) && is_zero(other);
		beside += other == one + LINE_BYTES;
		memset(one, (int)(place % 251), LINE_BYTES);
		memset(other, (int)(place % 241), LINE_BYTES);
	}
	IS_INT(zeros, PLACES, "all zeros at first");
	IS_INT(beside, PLACES, "each beside its other");
	for (size_t place = 0; place < PLACES; place++) {
		const char *one = line_at(left, place), *other = line_at(right, place);

		kept += one[LINE_BYTES - 1] == (char)(place % 251) &&
			one[0] == one[LINE_BYTES - 1] &&
			other[LINE_BYTES - 1] == (char)(place % 241) &&
			other[0] == other[LINE_BYTES - 1];
	}
	IS_INT(kept, PLACES, "no two have a byte in common");
	line_pairs_free(pairs);
}

int main(void)
{
	test_pairs(false, 2 * LINE_BYTES);
	test_pairs(true, 2 * 1024 * 1024);
	line_pairs_free(NULL);
	return tap_end();
}
