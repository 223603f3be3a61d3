/*
 * Equal pieces of memory that connections hold only while they need them.
 *
 * Ten thousand idle listeners must cost nothing but their own small structs, and a
 * request must cost no allocation.  So what is given back is kept, up to a number, and given
 * out again, the warmest first.  One loop's own; no locks.
 */
#pragma once

#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct http_pool {
	void *free; /* each begins with a pointer to the next */
	size_t size;
	unsigned kept, kept_max;
};

void http_pool_init(struct http_pool *pool, size_t size, unsigned kept_max);
void http_pool_release(struct http_pool *pool); /* what is out still is the holders' to free */

/* Not zeroed. */
static inline void *http_pool_take(struct http_pool *pool)
{
	void *piece = pool->free;

	if (!piece)
		return xmalloc(pool->size);
	memcpy(&pool->free, piece, sizeof(void *));
	pool->kept--;
	return piece;
}

/* NULL is fine. */
static inline void http_pool_give(struct http_pool *pool, void *piece)
{
	if (!piece)
		return;
	if (pool->kept == pool->kept_max) {
		free(piece);
		return;
	}
	memcpy(piece, &pool->free, sizeof(void *));
	pool->free = piece;
	pool->kept++;
}
