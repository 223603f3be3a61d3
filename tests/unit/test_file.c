#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

/* A disk that takes a part of what is written, then nothing: here a limit for files. */
static void test_no_room(void)
{
	static char bytes[100000];
	struct rlimit before, tight;

	put(bytes, sizeof(bytes));
	OK(getrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR, "a limit");
	tight = before;
	for (rlim_t most = 0; most < sizeof(bytes); most += 33333) {
		tight.rlim_cur = most;
		setrlimit(RLIMIT_FSIZE, &tight);
		OK(!file_rewrite(path, &err), "of %d bytes: %s", (int)most, err.text);
	}
	setrlimit(RLIMIT_FSIZE, &before);
	OK(file_rewrite(path, &err), "and without it");
}

static void test_sync_name(void)
{
	OK(file_sync_name(path, &err), "the folder of a name");
	OK(file_sync_name("name", &err), "of a name alone");
	OK(!file_sync_name("/nonexistent/name", &err), "none: %s", err.text);
}

static void test_make_folders(void)
{
	AUTO(free) char *deep = xasprintf("%s/a/b", folder);
	AUTO(free) char *above = xasprintf("%s/a", folder);
	AUTO(free) char *below_file = xasprintf("%s/file/b", folder);
	struct stat about;

	OK(file_make_folders(deep, &err), "two folders, the first of them missing");
	OK(stat(deep, &about) == 0 && S_ISDIR(about.st_mode), "are there");
	OK(file_make_folders(deep, &err), "again: they are there already");
	OK(rmdir(deep) == 0 && file_make_folders(deep, &err) && stat(deep, &about) == 0,
	   "the last alone");
	put("x", 1);
	OK(!file_make_folders(below_file, &err), "below a file: %s", err.text);
	OK(rmdir(deep) == 0 && rmdir(above) == 0 && unlink(path) == 0, "and taken away");
}

static void test_short_path(void)
{
	size_t size = strlen(path) + 1;
	AUTO(free) char *whole = NULL;
	AUTO(free) char *by_folder = NULL;
	AUTO(free) char *bytes = NULL;
	AUTO(close) int folder_fd = -1;
	int kept_fd = -1;
	char *none = NULL;
	size_t len = 0;

	put("found", 5);
	OK(file_short_path(path, size, &whole, &kept_fd, &err), "a path that fits");
	IS_STR(str_of(whole), str_of(path), "stays as it is");
	IS_INT(kept_fd, -1, "no folder is opened for it");

	OK(file_short_path(path, size - 1, &by_folder, &folder_fd, &err), "one byte too long");
	OK(strlen(by_folder) < size - 1, "becomes shorter: %s", by_folder);
	OK(folder_fd >= 0 && fcntl(folder_fd, F_GETFD) == FD_CLOEXEC,
	   "by a folder that the caller keeps open");
	OK(file_read(by_folder, 6, &bytes, &len, &err) && len == 5 &&
		   memcmp(bytes, "found", 5) == 0,
	   "and leads to the same file");

	OK(!file_short_path(path, 8, &none, &kept_fd, &err) && err.kind == ERR_INVALID,
	   "a name too long even so: %s", err.text);
	OK(!file_short_path("/nonexistent/folder/name", 8, &none, &kept_fd, &err),
	   "of a folder that is not there: %s", err.text);
	OK(kept_fd == -1 && !none, "which gives nothing");
	unlink(path);
}

static void test_lock(void)
{
	int first = -1, second = -1;

	OK(file_take_lock(path, &first, &err), "a lock is taken");
	OK(!file_take_lock(path, &second, &err) && err.kind == ERR_CONFLICT && second == -1,
	   "once: %s", err.text);
	close(first);
	OK(file_take_lock(path, &second, &err), "and again when it was given back");
	close(second);
	unlink(path);
	OK(!file_take_lock("/nonexistent/lock", &second, &err) && err.kind == ERR_INTERNAL,
	   "where there is no folder: %s", err.text);
}

/* Root works in a folder of the server's user, who has to open what it leaves there. */
static void test_lock_of_another(void)
{
	static const uid_t user = 65534;
	struct stat about;
	int fd;

	if (geteuid() != 0)
		return;
	OK(chown(folder, user, user) == 0 && file_take_lock(path, &fd, &err),
	   "a lock in a folder of another user");
	OK(fstat(fd, &about) == 0 && about.st_uid == user && about.st_gid == user,
	   "is that user's");
	close(fd);
	OK(chown(path, 1, 1) == 0 && file_take_lock(path, &fd, &err) && fstat(fd, &about) == 0 &&
		   about.st_uid == 1,
	   "one that was there before is left as it is");
	close(fd);
	unlink(path);
	OK(chown(folder, 0, 0) == 0, "the folder is root's again");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/file", folder);
	test_rewrite(0);
	test_rewrite(1);
	test_rewrite(5);
	test_rewrite(256 * 1024);
	test_rewrite(1000 * 1000);
	test_no_room();
	test_refused();
	test_sync_name();
	test_make_folders();
	test_short_path();
	test_lock();
	test_lock_of_another();
	OK(rmdir(folder) == 0, "nothing is left behind");
	return tap_end();
}
