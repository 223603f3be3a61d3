#include "blob/blob_cache.h"

#include "blob/blob_driver.h"
#include "blob/blob_local.h"
#include "blob_folder.h"
#include "tap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define SIZE       1000
#define PATIENCE_S 20 /* a busy machine does not reach it */

static struct blob_store *files;

/* ---- who plays while a file is removed ---- */

static struct {
	struct blob_cache *cache; /* NULL: nobody */
	pthread_t thread;
	bool has_played, waits;
} player;

static void *play(void *cache)
{
	blob_cache_missed(cache);
	return NULL;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

int __wrap_unlink(const char *path)
{
	struct timespec until;

	if (player.cache) {
		if (pthread_create(&player.thread, NULL, play, player.cache) != 0)
			abort();
		player.cache = NULL;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += PATIENCE_S;
		player.has_played = pthread_timedjoin_np(player.thread, NULL, &until) == 0;
		player.waits = !player.has_played;
	}
	return __real_unlink(path);
}

static const char *name_of(int number)
{
	static char name[BLOB_NAME_SIZE];

	snprintf(name, sizeof(name), "3f/" CALL "." RECORDING ".%d.mp3", number + 1);
	return name;
}

static bool is_here(int number)
{
	AUTO(close) int fd = -1;
	struct err err;
	uint64_t size;

	return blob_open_read(files, str_of(name_of(number)), &fd, &size, &err);
}

static void make_file(int number)
{
	AUTO(blob_arriving_free) struct blob_arriving *arriving = NULL;
	char bytes[SIZE] = "";
	struct err err;

	if (!blob_arriving_open(files, STR(RECORDING), number + 1, &arriving, &err) ||
	    !blob_arriving_write(arriving, (struct str){ bytes, SIZE }, &err) ||
	    blob_arriving_seal(arriving, str_of(name_of(number)), &err) != BLOB_SEALED)
		abort();
}

static void use(struct blob_cache *cache, int number)
{
	AUTO(close) int fd = -1;
	struct err err;
	uint64_t size;

	if (!blob_open_read(files, str_of(name_of(number)), &fd, &size, &err))
		abort();
	blob_cache_used(cache, name_of(number), fd);
}

/* As if it was changed so many hours ago. */
static void age(int number, int hours)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = time(NULL) - (time_t)hours * 3600 } };
	AUTO(free) char *path = NULL;
	struct err err;

	if (!blob_path(files, str_of(name_of(number)), &path, &err) ||
	    utimensat(AT_FDCWD, path, times, 0) < 0)
		abort();
}

static void test_least_recently_used_goes(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct err err;

	OK(blob_cache_open(files, 10 * SIZE, 0, &cache, &err), "an empty one");
	for (int i = 0; i < 10; i++) {
		make_file(i);
		blob_cache_added(cache, name_of(i), SIZE);
	}
	IS_INT(blob_cache_bytes(cache), 10 * SIZE, "as much as there may be");
	use(cache, 0);
	make_file(10);
	blob_cache_added(cache, name_of(10), SIZE);
	OK(is_here(0), "what was used last stays");
	OK(!is_here(1) && !is_here(2), "what was not used for longest goes, down to 95 %%");
	OK(is_here(3) && is_here(10), "and nothing else");
	IS_INT(blob_cache_bytes(cache), 9 * SIZE, "which is known");
	blob_cache_added(cache, name_of(10), SIZE);
	IS_INT(blob_cache_bytes(cache), 9 * SIZE, "what comes again counts once");
	blob_cache_drop(cache, name_of(3));
	OK(!is_here(3), "what is dropped is gone");
	IS_INT(blob_cache_bytes(cache), 8 * SIZE, "and counts no more");
	blob_cache_drop(cache, name_of(3));
	IS_INT(blob_cache_bytes(cache), 8 * SIZE, "twice does no harm");
}

static void test_order_of_before(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct err err;

	for (int i = 4; i < 11; i++)
		age(i, i);
	age(0, 100);
	OK(blob_cache_open(files, 5 * SIZE, 0, &cache, &err),
	   "what a process left, with less room");
	OK(!is_here(0) && !is_here(10), "the oldest are gone");
	OK(is_here(4) && is_here(5), "the newest are there");
	OK(blob_cache_bytes(cache) <= 5 * SIZE, "within its bounds");
}

static void test_larger_than_all(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct err err;

	make_file(20);
	OK(blob_cache_open(files, SIZE / 2, 0, &cache, &err), "room for less than one");
	blob_cache_added(cache, name_of(20), SIZE);
	OK(is_here(20), "what came last stays until another comes");
}

static void test_disk_is_short(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct err err;

	for (int i = 30; i < 33; i++)
		make_file(i);
	OK(blob_cache_open(files, 1000 * SIZE, UINT64_MAX, &cache, &err),
	   "room for all, on a disk that has less than it should");
	IS_INT(blob_cache_bytes(cache), SIZE, "all but one go");
	make_file(33);
	blob_cache_added(cache, name_of(33), SIZE);
	OK(is_here(33), "what came last stays");
	blob_cache_make_room(cache);
	IS_INT(blob_cache_bytes(cache), SIZE, "and nothing else, whoever asks");
}

/* ---- what went has no room yet: somebody has it open ---- */

#define LEAST_FREE (100 * SIZE)

static bool lacks_two(struct blob_store *store, uint64_t *out, struct err *err)
{
	*out = LEAST_FREE - 2 * SIZE;
	return true;
}

static void empty(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct err err;

	OK(blob_cache_open(files, 1000 * SIZE, 0, &cache, &err), "what others left");
	while (blob_cache_give_room(cache))
		;
}

static void test_held_open(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	const struct blob_driver *local = files->driver;
	struct blob_driver held = *local;
	struct err err;

	empty();
	for (int i = 0; i < 10; i++)
		make_file(i);
	held.free_bytes = lacks_two;
	files->driver = &held;
	OK(blob_cache_open(files, 1000 * SIZE, LEAST_FREE, &cache, &err),
	   "a disk that lacks room for two");
	IS_INT(blob_cache_bytes(cache), 8 * SIZE, "two go");
	make_file(10);
	blob_cache_added(cache, name_of(10), SIZE);
	IS_INT(blob_cache_bytes(cache), 7 * SIZE, "two more while it lacks them still");
	OK(is_here(10), "and not what came last");
	blob_cache_make_room(cache);
	IS_INT(blob_cache_bytes(cache), 5 * SIZE, "and for whoever asks");
	files->driver = local;
	empty();
}

static void test_disk_is_full(void)
{
	AUTO(blob_cache_free) struct blob_cache *cache = NULL;
	struct blob_remote_facts facts = { .answers = true };
	struct err err;

	for (int i = 0; i < 40; i++)
		make_file(i);
	OK(blob_cache_open(files, 1000 * SIZE, 0, &cache, &err), "room for all");
	use(cache, 0);
	OK(blob_cache_give_room(cache), "some go at once");
	OK(is_here(0) && blob_cache_bytes(cache) == 24 * SIZE, "those that were used least");
	OK(blob_cache_give_room(cache) && blob_cache_give_room(cache), "and more");
	OK(!is_here(0) && blob_cache_bytes(cache) == 0, "till nothing is left");
	OK(!blob_cache_give_room(cache), "which could go");
	blob_cache_hit(cache);
	blob_cache_missed(cache);
	blob_cache_read(cache, &facts);
	IS_INT((int64_t)facts.evictions, 40, "it is counted what went");
	IS_INT((int64_t)facts.hits, 1, "was here");
	IS_INT((int64_t)facts.misses, 1, "and was not here");
	OK(facts.here_bytes == 0 && facts.here_most_bytes == 1000 * SIZE, "and what may be");
}

static void test_nobody_waits(void)
{
	static const struct {
		const char *name;
		uint64_t least_free_bytes;
	} cases[] = { { "one too many", 0 }, { "a disk that is short", UINT64_MAX } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(blob_cache_free) struct blob_cache *cache = NULL;
		int old = 60 + 2 * (int)i;
		struct err err;

		make_file(old);
		OK(blob_cache_open(files, SIZE, cases[i].least_free_bytes, &cache, &err),
		   "room for one");
		blob_cache_added(cache, name_of(old), SIZE);
		make_file(old + 1);
		player.cache = cache;
		blob_cache_added(cache, name_of(old + 1), SIZE);
		OK(!is_here(old) && is_here(old + 1), "%s: the older one goes", cases[i].name);
		OK(player.has_played, "%s: who plays meanwhile does not wait for it",
		   cases[i].name);
		if (player.waits)
			pthread_join(player.thread, NULL);
	}
}

int main(void)
{
	struct err err;

	folder_make();
	if (!blob_local_open_in(folder, "cache", &files, &err))
		return 1;
	test_least_recently_used_goes();
	test_order_of_before();
	test_larger_than_all();
	test_disk_is_short();
	test_held_open();
	test_disk_is_full();
	test_nobody_waits();
	blob_store_free(files);
	folder_remove();
	return tap_end();
}
