/*
 * What power loss would leave: a library to be preloaded under the server.
 *
 *	FORGETFUL_DIR      the disk: an existing folder, watched with all that is below it
 *	FORGETFUL_SHADOW   an existing folder in which the durable state is kept
 *	FORGETFUL_SYNCS    a number: the program is killed as it begins so many syncs, its last
 *	                   one not done
 *	FORGETFUL_FAILS    a number: after so many syncs the next one fails (EIO)
 *
 * With an empty shadow, what is on the disk when the program starts is durable; one that an
 * earlier program left is gone on with: that was killed, and the power stayed on.  After that a file's bytes are durable
 * once fsync() or fdatasync() of it returned, and a folder's names once fsync() of the folder
 * did.  sync(), sync_file_range() and O_SYNC count for nothing: nothing of ours relies on them.
 *
 * A file or folder is known by its key, "<inode>.<birth in ns>", since the number of an inode is
 * given anew.  The shadow holds
 *
 *	root            the key of FORGETFUL_DIR
 *	names.<key>     of a folder: lines "<d or f> <key> <name>"
 *	content.<key>   of a file: its bytes
 *
 * (sockets are left out), each replaced by rename, so that SIGKILL leaves the one before or the one after.  The copy is
 * made before the real call, because what is written while it runs is not promised; it is put in
 * place after it, before the caller hears of it.  One lock around all three keeps a copy that was
 * made earlier from replacing a later one.
 *
 * A sync also fails once a test has put a file armed.<kind> into the shadow, the next one of that kind
 * (kind_of() below).  What a failed sync of a file would have made durable is lost: forgetful_lost.h.  Names that a
 * failed sync of a folder left out are taken by the next one.
 *
 * A file is copied through the caller's own descriptor.  Opening and closing it once more would
 * drop the POSIX locks that SQLite holds on it.
 */
#include "forgetful_lost.h"
#include "forgetful_private.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char disk[PATH_MAX];
static int shadow_fd = -1;
static long syncs_left = -1; /* under the lock; below 0: no end */
static long until_failure = -1;
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);
static ssize_t (*real_write)(int fd, const void *bytes, size_t len);
static ssize_t (*real_pwrite)(int fd, const void *bytes, size_t len, off_t at);
int (*real_ftruncate)(int fd, off_t size);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "forgetful: level=error cannot %s: %s\n", what, strerror(errno));
	abort();
}

/* The key of what `name` is in the folder `fd`, or of `fd` itself where it is "".  False: gone. */
static bool key_of(int fd, const char *name, char key[KEY_MAX], mode_t *mode)
{
	struct statx about;
	bool is_there = statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
			      STATX_BASIC_STATS | STATX_BTIME, &about) == 0;

	must(is_there || errno == ENOENT, "look at a file");
	if (!is_there)
		return false;
	if (!(about.stx_mask & STATX_BTIME)) /* an older tmpfs, which gives no number twice */
		memset(&about.stx_btime, 0, sizeof(about.stx_btime));
	snprintf(key, KEY_MAX, "%" PRIu64 ".%" PRIu64, (uint64_t)about.stx_ino,
		 (uint64_t)about.stx_btime.tv_sec * 1000000000 + about.stx_btime.tv_nsec);
	*mode = about.stx_mode;
	return true;
}

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = real_write(fd, bytes, len);

		must(n > 0, "write to the shadow");
		bytes += n;
		len -= (size_t)n;
	}
}

static int open_new(void)
{
	int fd = openat(shadow_fd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0, "write to the shadow");
	return fd;
}

/* What a page that is lost holds on the disk: what was synced before, or nothing. */
static void read_kept(int kept_fd, char *page, size_t len, off_t at)
{
	ssize_t n = kept_fd < 0 ? 0 : pread(kept_fd, page, len, at);

	must(n >= 0, "read the shadow");
	memset(page + n, 0, len - (size_t)n);
}

static void copy_content(int synced_fd, const char *key)
{
	char page[LOST_PAGE], name[KEY_MAX + 32];
	int copy_fd = open_new(), kept_fd, fd;
	off_t at = 0;

	/* The descriptor that was synced may be for writing alone. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", synced_fd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, "open what is synced");
	snprintf(name, sizeof(name), "content.%s", key);
	kept_fd = openat(shadow_fd, name, O_RDONLY | O_CLOEXEC);
	for (;;) {
		ssize_t n = pread(fd, page, sizeof(page), at);

		must(n >= 0, "read what is synced");
		if (n == 0)
			break;
		if (lost_at(key, at))
			read_kept(kept_fd, page, (size_t)n, at);
		write_all(copy_fd, page, (size_t)n);
		at += n;
	}
	if (kept_fd >= 0)
		close(kept_fd);
	close(copy_fd);
	close(fd);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

DIR *open_folder(int fd, const char *name)
{
	int folder_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = folder_fd < 0 ? NULL : fdopendir(folder_fd);

	must(folder != NULL, "read a folder");
	return folder;
}

static bool is_kept(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode);
}

/* One entry; a name that went away meanwhile is left out. */
static void copy_name(int folder_fd, const char *name, int copy_fd)
{
	char line[KEY_MAX + NAME_MAX + 8], key[KEY_MAX];
	mode_t mode;
	int len;

	if (!key_of(folder_fd, name, key, &mode) || !is_kept(mode))
		return;
	len = snprintf(line, sizeof(line), "%c %s %s\n", S_ISDIR(mode) ? 'd' : 'f', key, name);
	write_all(copy_fd, line, (size_t)len);
}

static void copy_names(int fd)
{
	DIR *folder = open_folder(fd, ".");
	int copy_fd = open_new();
	struct dirent *entry;

	while ((entry = readdir(folder)))
		if (!is_dots(entry->d_name))
			copy_name(dirfd(folder), entry->d_name, copy_fd);
	close(copy_fd);
	closedir(folder);
}

static void put_in_place(const char *kind, const char *key)
{
	char name[KEY_MAX + 16];

	snprintf(name, sizeof(name), "%s.%s", kind, key);
	must(renameat(shadow_fd, "new", shadow_fd, name) == 0, "put a copy in place");
}

static void find_real(void *at, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	must(found != NULL, "find the real call");
	memcpy(at, &found, sizeof(found)); /* POSIX: a pointer to a function fits, C has no cast */
}

/* Others may write before start() has run. */
static void find_all_real(void)
{
	if (real_ftruncate)
		return;
	find_real((void *)&real_fsync, "fsync");
	find_real((void *)&real_fdatasync, "fdatasync");
	find_real((void *)&real_write, "write");
	find_real((void *)&real_pwrite, "pwrite");
	find_real((void *)&real_ftruncate, "ftruncate");
}

static bool is_on_disk(int fd, char path[PATH_MAX])
{
	char link[32];
	size_t len = strlen(disk);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strncmp(path, disk, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool ends_in(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

static const char *kind_of(const char *path, mode_t mode)
{
	if (S_ISDIR(mode))
		return "folder";
	if (ends_in(path, "-wal"))
		return "log";
	return ends_in(path, ".db") ? "ledger" : "media";
}

static bool is_to_fail(const char *path, mode_t mode)
{
	char name[32];

	if (until_failure >= 0 && --until_failure < 0)
		return true;
	snprintf(name, sizeof(name), "armed.%s", kind_of(path, mode));
	return unlinkat(shadow_fd, name, 0) == 0;
}

/* The real call, and the record of it. */
static int sync_and_keep(int fd, int (*real)(int))
{
	char path[PATH_MAX], key[KEY_MAX];
	bool is_folder;
	mode_t mode;
	int result, number;

	if (shadow_fd < 0 || !is_on_disk(fd, path))
		return real(fd);

	pthread_mutex_lock(&lock);
	if (syncs_left >= 0 && --syncs_left < 0)
		raise(SIGKILL);
	must(key_of(fd, "", key, &mode), "look at a file");
	is_folder = S_ISDIR(mode);
	if (is_to_fail(path, mode)) {
		if (!is_folder)
			lost_note(shadow_fd, key, fd);
		pthread_mutex_unlock(&lock);
		errno = EIO;
		return -1;
	}
	if (is_folder)
		copy_names(fd);
	else
		copy_content(fd, key);
	result = real(fd);
	number = errno;
	if (result == 0)
		put_in_place(is_folder ? "names" : "content", key);
	pthread_mutex_unlock(&lock);
	errno = number;
	return result;
}

int fsync(int fd)
{
	return sync_and_keep(fd, real_fsync);
}

int fdatasync(int fd)
{
	return sync_and_keep(fd, real_fdatasync);
}

/* With the offsets of 64 bits, which this is compiled with as callspool and SQLite are, pwrite() is the symbol pwrite64. */

/* The key of a file of the disk of which pages may be lost.  True: the lock is held. */
static bool lock_lost(int fd, char key[KEY_MAX])
{
	char path[PATH_MAX];
	mode_t mode;

	if (!lost_any() || !is_on_disk(fd, path))
		return false;
	pthread_mutex_lock(&lock);
	must(key_of(fd, "", key, &mode), "look at a file");
	return true;
}

static void note_written(int fd, off_t at, ssize_t n)
{
	int number = errno;
	char key[KEY_MAX];

	if (n > 0 && lock_lost(fd, key)) {
		lost_written(key, at, (size_t)n);
		pthread_mutex_unlock(&lock);
	}
	errno = number;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t n;

	find_all_real();
	n = real_write(fd, bytes, len);
	if (lost_any())
		note_written(fd, lseek(fd, 0, SEEK_CUR) - n, n);
	return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t n;

	find_all_real();
	n = real_pwrite(fd, bytes, len, at);
	note_written(fd, at, n);
	return n;
}

int ftruncate(int fd, off_t size)
{
	char key[KEY_MAX];
	int result;

	find_all_real();
	result = real_ftruncate(fd, size);
	if (result == 0 && lock_lost(fd, key)) {
		lost_cut(key, size);
		pthread_mutex_unlock(&lock);
	}
	return result;
}

/* All that is there at the start, from the folder `fd` down. */
static void keep_all(int fd)
{
	DIR *folder = open_folder(fd, ".");
	char key[KEY_MAX];
	struct dirent *entry;
	mode_t mode;

	must(key_of(fd, "", key, &mode), "look at a file");
	copy_names(fd);
	put_in_place("names", key);
	while ((entry = readdir(folder))) {
		int inner_fd;

		if (is_dots(entry->d_name))
			continue;
		must(key_of(dirfd(folder), entry->d_name, key, &mode), "look at a file");
		if (!is_kept(mode))
			continue;
		inner_fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		must(inner_fd >= 0, "open what is on the disk");
		if (S_ISDIR(mode)) {
			keep_all(inner_fd);
		} else {
			copy_content(inner_fd, key);
			put_in_place("content", key);
		}
		close(inner_fd);
	}
	closedir(folder);
}

/* A new shadow of what is there. */
static void begin(void)
{
	int disk_fd = open(disk, O_RDONLY | O_DIRECTORY | O_CLOEXEC), root_fd;
	char key[KEY_MAX];
	mode_t mode;

	must(disk_fd >= 0, "open the disk");
	keep_all(disk_fd);
	must(key_of(disk_fd, "", key, &mode), "look at a file");
	root_fd = openat(shadow_fd, "root", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(root_fd >= 0, "write to the shadow");
	write_all(root_fd, key, strlen(key));
	close(root_fd);
	close(disk_fd);
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("FORGETFUL_DIR"), *shadow = getenv("FORGETFUL_SHADOW");
	const char *syncs = getenv("FORGETFUL_SYNCS"), *fails = getenv("FORGETFUL_FAILS");

	find_all_real();
	if (!dir || !shadow)
		return;
	must(realpath(dir, disk) != NULL, "find FORGETFUL_DIR");
	shadow_fd = open(shadow, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(shadow_fd >= 0, "open the shadow");
	if (faccessat(shadow_fd, "root", F_OK, 0) < 0)
		begin();
	lost_begin(shadow_fd);
	if (syncs)
		must(sscanf(syncs, "%ld", &syncs_left) == 1, "read FORGETFUL_SYNCS");
	if (fails)
		must(sscanf(fails, "%ld", &until_failure) == 1, "read FORGETFUL_FAILS");
}
