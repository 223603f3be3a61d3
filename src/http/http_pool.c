#include "http/http_pool.h"

#include "base/mem.h"

void http_pool_init(struct http_pool *pool, size_t size, unsigned kept_max)
{
	*pool = (struct http_pool){ .size = size, .kept_max = kept_max };
}

void http_pool_release(struct http_pool *pool)
{
	while (pool->free) {
		void *piece = pool->free;

		memcpy(&pool->free, piece, sizeof(void *));
		free(piece);
	}
	pool->kept = 0;
}

void *http_pool_take(struct http_pool *pool)
{
	void *piece = pool->free;

	if (!piece)
		return xmalloc(pool->size);
	memcpy(&pool->free, piece, sizeof(void *));
	pool->kept--;
	return piece;
}

void http_pool_give(struct http_pool *pool, void *piece)
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
