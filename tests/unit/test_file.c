#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

static char folder[] = "/tmp/callspool-test.XXXXXX";
static char path[sizeof(folder) + 16];
static struct err err;

static void put(const char *bytes, size_t len)
{
	AUTO(close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || !file_write_all(fd, bytes, len, &err)) {
		printf("Bail out! cannot write %s\n", path);
		exit(1);
	}
}

/* The bytes stay, and are written: a file's time says whether that was done. */
static void test_rewrite(size_t len)
{
	const struct timespec old[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	AUTO(free) char *bytes = xmalloc(len + 1);
	AUTO(free) char *found = NULL;
	size_t found_len = 0;
	struct stat about;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 4096);
	put(bytes, len);
	OK(utimensat(AT_FDCWD, path, old, 0) == 0, "an old file of %zu bytes", len);
	OK(file_rewrite(path, &err), "is written anew");
	OK(file_read(path, len + 1, &found, &found_len, &err), "and read");
	OK(found_len == len && memcmp(found, bytes, len) == 0, "its bytes are what they were");
	OK(stat(path, &about) == 0 && (about.st_mtim.tv_sec != 1000000000) == (len > 0),
	   "each was written");
}

static void test_refused(void)
{
	unlink(path);
	OK(!file_rewrite(path, &err) && err.kind == ERR_NOT_FOUND, "no file: %s", err.text);
	OK(!file_rewrite(folder, &err) && err.kind != ERR_NOT_FOUND, "a folder: %s", err.text);
}

static void test_sync_name(void)
{
	OK(file_sync_name(path, &err), "the folder of a name");
	OK(file_sync_name("name", &err), "of a name alone");
	OK(!file_sync_name("/nonexistent/name", &err), "none: %s", err.text);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/file", folder);
	test_rewrite(0);
	test_rewrite(5);
	test_rewrite(256 * 1024);
	test_rewrite(1000 * 1000);
	test_refused();
	test_sync_name();
	OK(rmdir(folder) == 0, "nothing is left behind");
	return tap_end();
}
