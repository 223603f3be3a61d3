#include "blob/blob_cache.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFT_PERCENT  95 /* once it was full: so that not each file that comes sends one away */
#define AT_ONCE       16 /* files that go on a loop, which is to go on */
#define TOUCH_EACH_MS (60 * 60 * 1000)

struct entry {
	struct map_node node; /* key: name */
	struct list used;     /* the most recently used first */
	char name[BLOB_NAME_SIZE];
	uint64_t size;
	int64_t touched_at_ms; /* wall clock: as its file says, or later */
};

struct blob_cache {
	struct blob_store *files;
	uint64_t max_bytes;
	uint64_t least_free_bytes;
	pthread_mutex_t mutex; /* guards what follows */
	struct map map;
	struct list used;
	uint64_t bytes;
	uint64_t hits, misses, evictions;
};

static struct entry *find(const struct blob_cache *cache, const char *name)
{
	struct map_node *node = map_find(&cache->map, str_of(name));

	return node ? container_of(node, struct entry, node) : NULL;
}

static void forget(struct blob_cache *cache, struct entry *entry)
{
	cache->bytes -= entry->size;
	map_remove(&cache->map, &entry->node);
	list_remove(&entry->used);
	free(entry);
}

/* Not blob_remove(): it need not survive power loss. */
static void remove_file(const struct blob_cache *cache, const char *name)
{
	AUTO(free) char *path = NULL;
	struct err err;

	if (blob_path(cache->files, str_of(name), &path, &err))
		unlink(path);
}

static void add(struct blob_cache *cache, const char *name, uint64_t size, int64_t touched_at_ms)
{
	struct entry *entry = find(cache, name);

	if (entry)
		forget(cache, entry);
	entry = xcalloc(1, sizeof(*entry));
	str_fit(str_of(name), entry->name, sizeof(entry->name));
	entry->size = size;
	entry->touched_at_ms = touched_at_ms;
	map_add(&cache->map, &entry->node, str_of(entry->name));
	list_prepend(&cache->used, &entry->used);
	cache->bytes += size;
}

/*
 * How many bytes may be here for the disk to have what it should.  Asked once: the room of what goes comes when nobody has it open
 * any more, and until then all would go.
 */
static uint64_t bytes_for_disk(struct blob_cache *cache)
{
	uint64_t free_bytes, lacking, bytes = blob_cache_bytes(cache);
	struct err err;

	if (cache->least_free_bytes == 0 || !blob_free_bytes(cache->files, &free_bytes, &err) ||
	    free_bytes >= cache->least_free_bytes)
		return UINT64_MAX;
	lacking = cache->least_free_bytes - free_bytes;
	return lacking < bytes ? bytes - lacking : 0;
}

/*
 * The least recently used goes, where more bytes and more files are here than these.  Its file goes without the lock, for which
 * whoever plays something else waits; one that is brought anew at just that time may go with it, and is brought once more.
 */
static bool send_away(struct blob_cache *cache, uint64_t beyond_bytes, size_t beyond_count)
{
	char name[BLOB_NAME_SIZE] = "";

	pthread_mutex_lock(&cache->mutex);
	if (cache->bytes > beyond_bytes && cache->map.count > beyond_count) {
		struct entry *last = container_of(cache->used.prev, struct entry, used);

		memcpy(name, last->name, sizeof(name));
		forget(cache, last);
		cache->evictions++;
	}
	pthread_mutex_unlock(&cache->mutex);
	if (name[0] == '\0')
		return false;
	remove_file(cache, name);
	return true;
}

/* All but the one that came last, if need be. */
static void make_room(struct blob_cache *cache)
{
	bool is_too_much = blob_cache_bytes(cache) > cache->max_bytes;
	uint64_t left = cache->max_bytes / 100 * LEFT_PERCENT;

	while (is_too_much && send_away(cache, left, 1))
		;
	left = bytes_for_disk(cache);
	while (send_away(cache, left, 1))
		;
}

void blob_cache_make_room(struct blob_cache *cache)
{
	uint64_t left = bytes_for_disk(cache);

	for (int i = 0; i < AT_ONCE && send_away(cache, left, 1); i++)
		;
}

bool blob_cache_give_room(struct blob_cache *cache)
{
	int gone = 0;

	while (gone < AT_ONCE && send_away(cache, 0, 0))
		gone++;
	return gone > 0;
}

void blob_cache_added(struct blob_cache *cache, const char *name, uint64_t size)
{
	pthread_mutex_lock(&cache->mutex);
	add(cache, name, size, clock_wall_ms());
	pthread_mutex_unlock(&cache->mutex);
	make_room(cache);
}

void blob_cache_used(struct blob_cache *cache, const char *name, int fd)
{
	int64_t now_ms = clock_wall_ms();
	bool is_to_touch = false;
	struct entry *entry;

	pthread_mutex_lock(&cache->mutex);
	entry = find(cache, name);
	if (entry) {
		list_remove(&entry->used);
		list_prepend(&cache->used, &entry->used);
		is_to_touch = now_ms - entry->touched_at_ms > TOUCH_EACH_MS;
		if (is_to_touch)
			entry->touched_at_ms = now_ms;
	}
	pthread_mutex_unlock(&cache->mutex);
	if (is_to_touch)
		(void)futimens(fd, NULL);
}

void blob_cache_hit(struct blob_cache *cache)
{
	pthread_mutex_lock(&cache->mutex);
	cache->hits++;
	pthread_mutex_unlock(&cache->mutex);
}

void blob_cache_missed(struct blob_cache *cache)
{
	pthread_mutex_lock(&cache->mutex);
	cache->misses++;
	pthread_mutex_unlock(&cache->mutex);
}

void blob_cache_read(struct blob_cache *cache, struct blob_remote_facts *out)
{
	pthread_mutex_lock(&cache->mutex);
	out->here_bytes = cache->bytes;
	out->here_most_bytes = cache->max_bytes;
	out->hits = cache->hits;
	out->misses = cache->misses;
	out->evictions = cache->evictions;
	pthread_mutex_unlock(&cache->mutex);
}

void blob_cache_drop(struct blob_cache *cache, const char *name)
{
	struct entry *entry;

	pthread_mutex_lock(&cache->mutex);
	entry = find(cache, name);
	if (entry)
		forget(cache, entry);
	remove_file(cache, name);
	pthread_mutex_unlock(&cache->mutex);
}

uint64_t blob_cache_bytes(struct blob_cache *cache)
{
	uint64_t bytes;

	pthread_mutex_lock(&cache->mutex);
	bytes = cache->bytes;
	pthread_mutex_unlock(&cache->mutex);
	return bytes;
}

/* ---- what was here at the start ---- */

struct found {
	char name[BLOB_NAME_SIZE];
	uint64_t size;
	int64_t changed_at_ms;
};

struct all_found {
	struct found *at;
	size_t count, size;
};

static int compare_found(const void *a, const void *b)
{
	const struct found *one = a, *other = b;

	return (one->changed_at_ms > other->changed_at_ms) -
	       (one->changed_at_ms < other->changed_at_ms);
}

static void note(struct all_found *all, const char *name, int fd, uint64_t size)
{
	struct found *found;
	struct stat about;

	if (fstat(fd, &about) < 0)
		return;
	if (all->count == all->size) {
		all->size = all->size ? 2 * all->size : 256;
		all->at = xrealloc(all->at, all->size * sizeof(*all->at));
	}
	found = &all->at[all->count++];
	str_fit(str_of(name), found->name, sizeof(found->name));
	found->size = size;
	found->changed_at_ms = (int64_t)about.st_mtim.tv_sec * 1000;
}

static bool look_into(struct blob_store *files, unsigned number, struct all_found *all,
		      struct err *err)
{
	AUTO(blob_folder_release) struct blob_folder names = { .count = 0 };
	char folder[3];

	snprintf(folder, sizeof(folder), "%02x", number & 0xff);
	if (!blob_walk(files, str_of(folder), &names, err))
		return false;
	for (size_t i = 0; i < names.count; i++) {
		AUTO(close) int fd = -1;
		struct err gone;
		uint64_t size;

		if (blob_name_is_valid(str_of(names.names[i])) &&
		    blob_open_read(files, str_of(names.names[i]), &fd, &size, &gone))
			note(all, names.names[i], fd, size);
	}
	return true;
}

static bool look(struct blob_cache *cache, struct err *err)
{
	struct all_found all = { .count = 0 };
	bool is_good = true;

	for (unsigned folder = 0; is_good && folder < 256; folder++)
		is_good = look_into(cache->files, folder, &all, err);
	if (all.count > 0)
		qsort(all.at, all.count, sizeof(*all.at), compare_found);
	for (size_t i = 0; i < all.count; i++)
		add(cache, all.at[i].name, all.at[i].size, all.at[i].changed_at_ms);
	free(all.at);
	make_room(cache);
	return is_good;
}

bool blob_cache_open(struct blob_store *files, uint64_t max_bytes, uint64_t least_free_bytes,
		     struct blob_cache **out, struct err *err)
{
	AUTO(blob_cache_free) struct blob_cache *cache = xcalloc(1, sizeof(*cache));

	cache->files = files;
	cache->max_bytes = max_bytes;
	cache->least_free_bytes = least_free_bytes;
	pthread_mutex_init(&cache->mutex, NULL);
	map_init(&cache->map);
	list_init(&cache->used);
	if (!look(cache, err))
		return err_context(err, "the cache");
	*out = TAKE(cache);
	return true;
}

void blob_cache_free(struct blob_cache *cache)
{
	struct map_node *node;

	if (!cache)
		return;
	while ((node = map_any(&cache->map)) != NULL)
		forget(cache, container_of(node, struct entry, node));
	map_release(&cache->map);
	pthread_mutex_destroy(&cache->mutex);
	free(cache);
}
