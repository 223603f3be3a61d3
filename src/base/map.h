/*
 * A hash table whose nodes are embedded in what it holds, found by a text.
 *
 * The key's bytes belong to the object and stay put while it is in the map.  Keys
 * are identifiers whose form was checked, or which we made: an attacker who chose
 * them could at worst make a chain long, so the hash is seeded per map.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	struct str key;
	uint64_t hash;
};

struct map {
	struct map_node **buckets; /* bucket_count is a power of two, or 0 */
	size_t bucket_count, count;
	uint64_t seed;
};

void map_init(struct map *map);
void map_release(struct map *map); /* the nodes are their owners' */
/* NULL when there is none. */
struct map_node *map_find(const struct map *map, struct str key);
/* The key must not be there already. */
void map_add(struct map *map, struct map_node *node, struct str key);
void map_remove(struct map *map, struct map_node *node);
/* Any node, or NULL when it is empty: for emptying it. */
struct map_node *map_any(const struct map *map);
