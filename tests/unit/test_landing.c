#include "backup/landing.h"

#include "base/mem.h"
#include "base/str.h"
#include "blob/blob.h"
#include "blob_folder.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MANY  40 /* more than are synced together */
#define SOUND "the bytes of a recording"
/* printf 'the bytes of a recording' | sha256sum */
#define DIGEST "3605d95074126a0a5292e4dba578f246ff292579371bf36c6bd32714cad9de66"

static struct err err;
static char to[64], source[64];

static struct landing *opened(void)
{
	struct landing *landing = NULL;

	if (!landing_open(to, &landing, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	return landing;
}

static void name_of(int64_t generation, char out[BLOB_NAME_SIZE])
{
	if (!blob_name_make(STR(CALL), STR(RECORDING), generation, STR("mp3"), out, &err))
		abort();
}

static enum landing_result copied(struct landing *landing, const char *name, uint64_t size,
				  const char *sha256)
{
	AUTO(close) int fd = open(source, O_RDONLY | O_CLOEXEC);
	struct landing_content content = { .size = size };

	str_fit(str_of(sha256), content.sha256, sizeof(content.sha256));
	return landing_copy(landing, fd, name, &content, &err);
}

static bool is_named(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/recordings/%s", to, name);

	return access(path, F_OK) == 0;
}

static size_t arriving(void)
{
	AUTO(free) char *path = xasprintf("%s/arriving", to);
	struct stat about;
	size_t count = 0;

	for (int i = 0; i < MANY; i++) {
		AUTO(free) char *file = xasprintf("%s/%d", path, i);

		count += stat(file, &about) == 0;
	}
	return count;
}

static void test_copy(void)
{
	AUTO(landing_free) struct landing *landing = opened();
	char name[BLOB_NAME_SIZE];
	struct stat about;
	int fd;

	name_of(1, name);
	IS_INT(copied(landing, name, strlen(SOUND), DIGEST), LANDING_DONE, "a file is copied");
	OK(!is_named(name) && arriving() == 1, "and has no name before it is synced");
	OK(landing_finish(landing, &err) && is_named(name) && arriving() == 0, "then it has");
	OK(landing_has(landing, name, strlen(SOUND)), "it is found");
	OK(!landing_has(landing, name, 3), "but not of another size");
	fd = landing_reader(landing, name);
	OK(fd >= 0 && fstat(fd, &about) == 0 && (about.st_mode & 0777) == 0600,
	   "for its owner alone");
	close(fd);
	IS_INT(copied(landing, name, strlen(SOUND) - 1, ""), LANDING_OTHER, "more than was wanted");
	IS_INT(copied(landing, name, strlen(SOUND) + 1, ""), LANDING_OTHER, "less");
	IS_INT(copied(landing, name, strlen(SOUND), "ab"), LANDING_OTHER, "other bytes");
	IS_INT(arriving(), 0, "of these nothing stays");
	OK(landing_finish(landing, &err) && landing_has(landing, name, strlen(SOUND)),
	   "and what was there does");
	OK(landing_remove(landing, name, &err) && !is_named(name), "it is removed");
	OK(landing_remove(landing, name, &err), "what is not there is well");
}

static void test_many(void)
{
	struct landing *landing = opened();
	char name[BLOB_NAME_SIZE];
	int named = 0;

	for (int i = 1; i <= MANY; i++) {
		name_of(100 + i, name);
		if (copied(landing, name, strlen(SOUND), "") != LANDING_DONE)
			break;
	}
	for (int i = 1; i <= MANY; i++) {
		name_of(100 + i, name);
		named += is_named(name);
	}
	OK(named > 0 && named < MANY, "many are synced together, %d of %d so far", named, MANY);
	IS_INT(arriving(), (size_t)(MANY - named), "the others are arriving");
	landing_free(landing);
	IS_INT(arriving(), 0, "and go where it does not come to its end");

	landing = opened();
	name_of(101, name);
	OK(landing_has(landing, name, strlen(SOUND)), "those that have a name stay");
	landing_free(landing);
}

/* What a killed one left. */
static void test_sweep(void)
{
	AUTO(free) char *path = xasprintf("%s/arriving/3", to);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	close(fd);
	OK(fd >= 0 && arriving() == 1, "a file is left over");
	landing_free(opened());
	IS_INT(arriving(), 0, "it is swept");
}

static void test_link(void)
{
	AUTO(landing_free) struct landing *landing = opened();
	char name[BLOB_NAME_SIZE];
	struct stat one, other;
	bool is_linked;
	int fd;

	name_of(300, name);
	OK(landing_link(landing, source, name, &is_linked, &err) && is_linked, "a file is linked");
	fd = landing_reader(landing, name);
	OK(fstat(fd, &one) == 0 && stat(source, &other) == 0 && one.st_ino == other.st_ino,
	   "it is the same file");
	close(fd);
	OK(landing_link(landing, source, name, &is_linked, &err) && is_linked, "again");
	OK(landing_link(landing, "/proc/self/status", name, &is_linked, &err) && !is_linked,
	   "another disk's is not");
	OK(landing_finish(landing, &err), "it is finished");
}

static void test_room(void)
{
	AUTO(landing_free) struct landing *landing = opened();
	char name[BLOB_NAME_SIZE];

	name_of(400, name);
	landing_keep_free(landing, UINT64_MAX);
	IS_INT(copied(landing, name, strlen(SOUND), ""), LANDING_DONE, "what waits is not counted");
	OK(!landing_finish(landing, &err) && err.kind == ERR_UNAVAILABLE,
	   "no room is left to others: %s", err.text);
	OK(!is_named(name) && arriving() == 0, "so it is not there");
}

/* Names of a time when they held no generation were written twice. */
static void test_old_names(void)
{
	AUTO(landing_free) struct landing *landing = opened();

	IS_INT(copied(landing, NAME, strlen(SOUND), ""), LANDING_DONE, "an old name");
	OK(landing_finish(landing, &err) && landing_holds(landing, NAME, strlen(SOUND)),
	   "is a file like others");
	OK(!landing_has(landing, NAME, strlen(SOUND)), "but proves nothing");
}

int main(void)
{
	FILE *file;

	folder_make();
	snprintf(to, sizeof(to), "%s/to", folder);
	snprintf(source, sizeof(source), "%s/source", folder);
	file = fopen(source, "w");
	if (!file || mkdir(to, 0700) < 0)
		return 1;
	fputs(SOUND, file);
	fclose(file);
	test_copy();
	test_many();
	test_sweep();
	test_link();
	test_room();
	test_old_names();
	folder_remove();
	return tap_end();
}
