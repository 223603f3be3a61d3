/*
 * Memory for two tables that are looked into together: as many places in each, of a line of memory (64 bytes), and a place of
 * the one beside the same place of the other.  Whoever asks for one place of some ten thousand in both, in an order that
 * nothing foresees, waits for memory about once and not twice: processors fetch lines in such pairs.
 *
 * Zeros at first; what is not touched takes no memory, unless it is in a large page: there the first touch takes 2 MiB, and
 * no place has to be found in the tables of pages, which such an order misses as well.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_BYTES 64

struct line_pairs;

/* in_large_pages: where the system has them to give. */
struct line_pairs *line_pairs_new(size_t count, bool in_large_pages);
void line_pairs_free(struct line_pairs *pairs);

/* One side of it: a plain value, borrowed. */
struct lines {
	char *first;
	size_t count;
};

struct lines line_pairs_left(const struct line_pairs *pairs);
struct lines line_pairs_right(const struct line_pairs *pairs);

/* place < count. */
static inline void *line_at(struct lines lines, size_t place)
{
	return lines.first + place * 2 * LINE_BYTES;
}

/* The place of such a line. */
static inline size_t line_place(struct lines lines, const void *line)
{
	return (size_t)((const char *)line - lines.first) / (2 * LINE_BYTES);
}
