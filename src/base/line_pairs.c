#include "base/line_pairs.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 * 1024 * 1024)

struct line_pairs {
	void *block; /* what `first` lies in, at an address of its own */
	char *first;
	size_t count;
};

struct line_pairs *line_pairs_new(size_t count, bool in_large_pages)
{
	struct line_pairs *pairs = xcalloc(1, sizeof(*pairs));
	size_t bytes = count * 2 * LINE_BYTES;
	size_t aligned_to = in_large_pages ? LARGE_PAGE : (size_t)2 * LINE_BYTES;

	pairs->count = count;
	pairs->block = xcalloc(1, bytes + aligned_to);
	pairs->first = (char *)pairs->block + aligned_to - (uintptr_t)pairs->block % aligned_to;
	/* Where there are none they are in small ones, and dearer to find. */
	if (in_large_pages)
		(void)!madvise(pairs->first, bytes - bytes % LARGE_PAGE, MADV_HUGEPAGE);
	return pairs;
}

void line_pairs_free(struct line_pairs *pairs)
{
	if (!pairs)
		return;
	free(pairs->block);
	free(pairs);
}

struct lines line_pairs_left(const struct line_pairs *pairs)
{
	return (struct lines){ pairs->first, pairs->count };
}

struct lines line_pairs_right(const struct line_pairs *pairs)
{
	return (struct lines){ pairs->first + LINE_BYTES, pairs->count };
}
