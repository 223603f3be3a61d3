#include "media/arriving.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
	struct map_node node;
	struct list link; /* whoever moved last is last */
	uint64_t turn;
	struct arriving arriving;
};

struct arriving_table {
	pthread_mutex_t mutex; /* guards what follows */
	struct map map;
	struct list entries;
	uint64_t turn;
};

struct arriving_table *arriving_table_new(void)
{
	struct arriving_table *table = xcalloc(1, sizeof(*table));

	pthread_mutex_init(&table->mutex, NULL);
	map_init(&table->map);
	list_init(&table->entries);
	return table;
}

static struct entry *find(const struct arriving_table *table, struct str recording_sid)
{
	struct map_node *node = map_find(&table->map, recording_sid);

	return node ? container_of(node, struct entry, node) : NULL;
}

static void drop(struct arriving_table *table, struct entry *entry)
{
	map_remove(&table->map, &entry->node);
	list_remove(&entry->link);
	free(entry);
}

void arriving_table_free(struct arriving_table *table)
{
	struct list *first;

	if (!table)
		return;
	while ((first = list_first(&table->entries)) != NULL)
		drop(table, container_of(first, struct entry, link));
	map_release(&table->map);
	pthread_mutex_destroy(&table->mutex);
	free(table);
}

void arriving_set(struct arriving_table *table, const struct arriving *arriving)
{
	struct entry *entry;

	if (!table)
		return;
	pthread_mutex_lock(&table->mutex);
	entry = find(table, str_of(arriving->recording_sid));
	if (entry) {
		list_remove(&entry->link);
		entry->arriving = *arriving;
	} else {
		entry = xcalloc(1, sizeof(*entry));
		entry->arriving = *arriving;
		map_add(&table->map, &entry->node, str_of(entry->arriving.recording_sid));
	}
	list_append(&table->entries, &entry->link);
	entry->turn = ++table->turn;
	pthread_mutex_unlock(&table->mutex);
}

void arriving_end(struct arriving_table *table, const char *recording_sid)
{
	struct entry *entry;

	if (!table)
		return;
	pthread_mutex_lock(&table->mutex);
	entry = find(table, str_of(recording_sid));
	if (entry)
		drop(table, entry);
	pthread_mutex_unlock(&table->mutex);
}

bool arriving_find(struct arriving_table *table, struct str recording_sid, struct arriving *out)
{
	const struct entry *entry;

	if (!table)
		return false;
	pthread_mutex_lock(&table->mutex);
	entry = find(table, recording_sid);
	if (entry)
		*out = entry->arriving;
	pthread_mutex_unlock(&table->mutex);
	return entry != NULL;
}

size_t arriving_moved(struct arriving_table *table, uint64_t *turn, struct arriving *out,
		      size_t size)
{
	size_t count = 0;

	if (!table)
		return 0;
	pthread_mutex_lock(&table->mutex);
	LIST_EACH (item, &table->entries) {
		const struct entry *entry = container_of(item, struct entry, link);

		if (entry->turn <= *turn)
			continue;
		if (count == size)
			break;
		out[count++] = entry->arriving;
		*turn = entry->turn;
	}
	pthread_mutex_unlock(&table->mutex);
	return count;
}
