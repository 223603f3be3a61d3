#include "forgetful_lost.h"

#include "forgetful_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES_MAX 256
#define PAGES_MAX 65536 /* 256 MiB: no file of a test is larger */

static struct lost_file {
	char key[KEY_MAX];
	uint8_t *pages; /* PAGES_MAX, shared with the shadow */
} files[FILES_MAX];
static atomic_int file_count;

static struct lost_file *find(const char *key)
{
	for (int i = 0; i < file_count; i++)
		if (strcmp(files[i].key, key) == 0)
			return &files[i];
	return NULL;
}

static struct lost_file *add(int shadow_fd, const char *key)
{
	struct lost_file *file = &files[file_count];
	char name[KEY_MAX + 8];
	int fd;

	must(file_count < FILES_MAX, "remember more files with lost pages");
	snprintf(name, sizeof(name), "lost.%s", key);
	fd = openat(shadow_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && real_ftruncate(fd, PAGES_MAX) == 0, "write to the shadow");
	file->pages = mmap(NULL, PAGES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(file->pages != MAP_FAILED, "map the shadow");
	close(fd);
	snprintf(file->key, sizeof(file->key), "%s", key);
	file_count++;
	return file;
}

void lost_begin(int shadow_fd)
{
	DIR *folder = open_folder(shadow_fd, ".");
	struct dirent *entry;

	while ((entry = readdir(folder)))
		if (strncmp(entry->d_name, "lost.", 5) == 0)
			add(shadow_fd, entry->d_name + 5);
	closedir(folder);
}

/* A page of a file, zeros beyond its end.  False: there is nothing of it.  fd -1: no file. */
static bool read_page(int fd, off_t at, char page[LOST_PAGE])
{
	ssize_t n = fd < 0 ? 0 : pread(fd, page, LOST_PAGE, at);

	must(n >= 0, "read what is synced");
	memset(page + n, 0, (size_t)(LOST_PAGE - n));
	return n > 0;
}

void lost_note(int shadow_fd, const char *key, int fd)
{
	char name[KEY_MAX + 16], now[LOST_PAGE], kept[LOST_PAGE];
	struct lost_file *file = find(key);
	int kept_fd;

	if (!file)
		file = add(shadow_fd, key);
	snprintf(name, sizeof(name), "content.%s", key);
	kept_fd = openat(shadow_fd, name, O_RDONLY | O_CLOEXEC);
	for (off_t at = 0; read_page(fd, at, now); at += LOST_PAGE) {
		bool was_kept = read_page(kept_fd, at, kept);

		must(at / LOST_PAGE < PAGES_MAX, "remember more pages");
		if (!was_kept || memcmp(now, kept, LOST_PAGE) != 0)
			file->pages[at / LOST_PAGE] = 1;
	}
	if (kept_fd >= 0)
		close(kept_fd);
}

bool lost_any(void)
{
	return file_count > 0;
}

bool lost_at(const char *key, off_t at)
{
	const struct lost_file *file = lost_any() ? find(key) : NULL;

	return file && at / LOST_PAGE < PAGES_MAX && file->pages[at / LOST_PAGE];
}

void lost_written(const char *key, off_t at, size_t len)
{
	struct lost_file *file = find(key);

	if (!file || len == 0)
		return;
	for (off_t page = at / LOST_PAGE; page <= (at + (off_t)len - 1) / LOST_PAGE; page++)
		if (page < PAGES_MAX)
			file->pages[page] = 0;
}

void lost_cut(const char *key, off_t size)
{
	struct lost_file *file = find(key);
	off_t first = (size + LOST_PAGE - 1) / LOST_PAGE;

	if (file && first < PAGES_MAX)
		memset(file->pages + first, 0, (size_t)(PAGES_MAX - first));
}
