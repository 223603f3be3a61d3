#include "http/http_pool.h"

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
