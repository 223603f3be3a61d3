#include "base/map.h"
#include "tap.h"

#define ITEMS 5000

struct item {
	struct map_node node;
	char name[24];
};
static struct item items[ITEMS];

int main(void)
{
	struct map map;
	int found = 0, gone = 0;

	map_init(&map);
	OK(!map_find(&map, STR("x")) && !map_any(&map), "nothing is in an empty map");
	for (int i = 0; i < ITEMS; i++) {
		snprintf(items[i].name, sizeof(items[i].name), "item-%d", i);
		map_add(&map, &items[i].node, str_of(items[i].name));
	}
	for (int i = 0; i < ITEMS; i++)
		found += map_find(&map, str_of(items[i].name)) == &items[i].node;
	IS_INT(found, ITEMS, "each is found under its own name");
	OK(!map_find(&map, STR("item-5000")) && !map_find(&map, STR("")),
	   "another name finds nothing");
	for (int i = 0; i < ITEMS; i += 2)
		map_remove(&map, &items[i].node);
	for (int i = 0; i < ITEMS; i++)
		gone += !map_find(&map, str_of(items[i].name));
	IS_INT(gone, ITEMS / 2, "what was removed is gone, the rest is there");
	while (map_any(&map))
		map_remove(&map, map_any(&map));
	IS_INT(map.count, 0, "it can be emptied");
	map_release(&map);
	return tap_end();
}
