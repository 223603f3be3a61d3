#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

/* FNV-1a, eight bytes a step; good enough for hexadecimal identifiers. */
static uint64_t hash_of(const struct map *map, struct str key)
{
	uint64_t hash = map->seed ^ key.len;
	const char *at = key.at;
	size_t len = key.len;

	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	for (; len > 0; at++, len--)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

void map_init(struct map *map)
{
	*map = (struct map){ 0 };
	random_bytes(&map->seed, sizeof(map->seed));
}

void map_release(struct map *map)
{
	free(map->buckets);
	*map = (struct map){ 0 };
}

static void grow(struct map *map)
{
	size_t count = map->bucket_count ? map->bucket_count * 2 : FIRST_BUCKETS;
	struct map_node **buckets = xcalloc(count, sizeof(struct map_node *));

	for (size_t i = 0; i < map->bucket_count; i++) {
		struct map_node *node = map->buckets[i];

		while (node) {
			struct map_node *next = node->next;

			node->next = buckets[node->hash & (count - 1)];
			buckets[node->hash & (count - 1)] = node;
			node = next;
		}
	}
	free(map->buckets);
	map->buckets = buckets;
	map->bucket_count = count;
}

struct map_node *map_find(const struct map *map, struct str key)
{
	if (map->count == 0)
		return NULL;

	uint64_t hash = hash_of(map, key);

	for (struct map_node *node = map->buckets[hash & (map->bucket_count - 1)]; node;
	     node = node->next)
		if (node->hash == hash && str_eq(node->key, key))
			return node;
	return NULL;
}

void map_add(struct map *map, struct map_node *node, struct str key)
{
	if (map->count >= map->bucket_count)
		grow(map);
	node->key = key;
	node->hash = hash_of(map, key);

	struct map_node **bucket = &map->buckets[node->hash & (map->bucket_count - 1)];

	node->next = *bucket;
	*bucket = node;
	map->count++;
}

void map_remove(struct map *map, struct map_node *node)
{
	struct map_node **at = &map->buckets[node->hash & (map->bucket_count - 1)];

	while (*at != node) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	map->count--;
}

struct map_node *map_any(const struct map *map)
{
	for (size_t i = 0; i < map->bucket_count && map->count > 0; i++)
		if (map->buckets[i])
			return map->buckets[i];
	return NULL;
}
