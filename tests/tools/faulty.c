/*
 * A disk that fails now and then: a library to be preloaded under the server.
 *
 *	FAULTY_DIR      the folder whose files fail, with all that is below it
 *	FAULTY_CONTROL  an existing file of `struct control`, mapped and shared: a test writes it
 *
 * A slot says: of the calls of one kind on one kind of file, let `after` pass, then let `count` fail with `number`.  The
 * library counts both down, and counts `hits` up, so that the test sees what came of it.  `armed` is written last; while it
 * is 0 a call costs one look at it.  What fails does nothing, as a disk that refuses: no byte is written or read.
 *
 * It fails below our own drivers and below SQLite, so that both are tested with it, and the binary needs no hook.
 * What SQLite maps (the -shm file) does not come by here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* harness/faulty.js has the same order. */
enum call {
	CALL_OPEN,
	CALL_READ,
	CALL_WRITE,
	CALL_SYNC,
	CALL_RENAME,
	CALL_REMOVE,
	CALL_CUT,
	CALLS,
};

enum file_kind {
	FILE_LEDGER, /* ledger.db */
	FILE_LOG,    /* ledger.db-wal */
	FILE_MEDIA,  /* below recordings/ or arriving/ */
	FILE_KINDS,
	FILE_OTHER = FILE_KINDS, /* never fails */
};

struct slot {
	_Atomic int32_t after, count;
	int32_t number; /* of errno */
	_Atomic int32_t hits;
};

struct control {
	_Atomic uint32_t armed;
	uint32_t unused[3];
	struct slot slots[CALLS][FILE_KINDS];
};

static char folder[PATH_MAX];
static struct control *control; /* NULL: not asked for */

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "faulty: level=error cannot %s: %s\n", what, strerror(errno));
	abort();
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("FAULTY_DIR"), *file = getenv("FAULTY_CONTROL");
	void *at;
	int fd;

	if (!dir || !file)
		return;
	must(realpath(dir, folder) != NULL, "find FAULTY_DIR");
	fd = open(file, O_RDWR | O_CLOEXEC);
	must(fd >= 0, "open FAULTY_CONTROL");
	at = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(at != MAP_FAILED, "map FAULTY_CONTROL");
	control = at;
	close(fd);
}

static bool is_armed(void)
{
	return control && atomic_load(&control->armed) != 0;
}

static bool ends_in(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

static enum file_kind kind_of(const char *path)
{
	size_t len = strlen(folder);

	if (strncmp(path, folder, len) != 0 || path[len] != '/')
		return FILE_OTHER;
	if (ends_in(path, "/ledger.db"))
		return FILE_LEDGER;
	if (ends_in(path, "/ledger.db-wal"))
		return FILE_LOG;
	return strstr(path + len, "/recordings") || strstr(path + len, "/arriving") ? FILE_MEDIA
										    : FILE_OTHER;
}

/* Counts; true: this one fails, and errno says how. */
static bool fails(enum call call, const char *path)
{
	enum file_kind kind = kind_of(path);
	struct slot *slot;

	if (kind == FILE_OTHER)
		return false;
	slot = &control->slots[call][kind];
	if (atomic_load(&slot->count) <= 0 || atomic_fetch_sub(&slot->after, 1) > 0)
		return false;
	if (atomic_fetch_sub(&slot->count, 1) <= 0)
		return false;
	atomic_fetch_add(&slot->hits, 1);
	errno = slot->number;
	return true;
}

static bool fails_fd(enum call call, int fd)
{
	char link[48], path[PATH_MAX];
	int number = errno;
	ssize_t n;

	if (!is_armed())
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	errno = number;
	if (n < 0)
		return false;
	path[n] = '\0';
	return fails(call, path);
}

static bool fails_at(enum call call, int dir_fd, const char *name)
{
	char link[48], path[PATH_MAX];
	int number = errno;
	ssize_t n;

	if (!is_armed())
		return false;
	if (name[0] == '/' || dir_fd == AT_FDCWD)
		return fails(call, name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	n = readlink(link, path, sizeof(path) / 2);
	errno = number;
	if (n < 0)
		return false;
	snprintf(path + n, sizeof(path) - (size_t)n, "/%s", name);
	return fails(call, path);
}

/* The next one of that name: libc's, or another preloaded library's. */
#define REAL(name, result, ...)                               \
	static result (*real)(__VA_ARGS__);                   \
	if (!real) {                                          \
		void *found = dlsym(RTLD_NEXT, name);         \
		must(found != NULL, "find " name);            \
		memcpy((void *)&real, &found, sizeof(found)); \
	}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	REAL("open", int, const char *, int, ...)
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return fails_at(CALL_OPEN, AT_FDCWD, path) ? -1 : real(path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
	REAL("openat", int, int, const char *, int, ...)
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return fails_at(CALL_OPEN, fd, path) ? -1 : real(fd, path, flags, mode);
}

ssize_t read(int fd, void *to, size_t len)
{
	REAL("read", ssize_t, int, void *, size_t)
	return fails_fd(CALL_READ, fd) ? -1 : real(fd, to, len);
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
	REAL("pread64", ssize_t, int, void *, size_t, off_t)
	return fails_fd(CALL_READ, fd) ? -1 : real(fd, to, len, at);
}

ssize_t sendfile(int to_fd, int fd, off_t *at, size_t len)
{
	REAL("sendfile64", ssize_t, int, int, off_t *, size_t)
	return fails_fd(CALL_READ, fd) ? -1 : real(to_fd, fd, at, len);
}

ssize_t write(int fd, const void *from, size_t len)
{
	REAL("write", ssize_t, int, const void *, size_t)
	return fails_fd(CALL_WRITE, fd) ? -1 : real(fd, from, len);
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at)
{
	REAL("pwrite64", ssize_t, int, const void *, size_t, off_t)
	return fails_fd(CALL_WRITE, fd) ? -1 : real(fd, from, len, at);
}

int fsync(int fd)
{
	REAL("fsync", int, int)
	return fails_fd(CALL_SYNC, fd) ? -1 : real(fd);
}

int fdatasync(int fd)
{
	REAL("fdatasync", int, int)
	return fails_fd(CALL_SYNC, fd) ? -1 : real(fd);
}

int ftruncate(int fd, off_t size)
{
	REAL("ftruncate64", int, int, off_t)
	return fails_fd(CALL_CUT, fd) ? -1 : real(fd, size);
}

int rename(const char *from, const char *to)
{
	REAL("rename", int, const char *, const char *)
	return fails_at(CALL_RENAME, AT_FDCWD, from) ? -1 : real(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	REAL("renameat", int, int, const char *, int, const char *)
	return fails_at(CALL_RENAME, from_fd, from) ? -1 : real(from_fd, from, to_fd, to);
}

int unlink(const char *path)
{
	REAL("unlink", int, const char *)
	return fails_at(CALL_REMOVE, AT_FDCWD, path) ? -1 : real(path);
}

int unlinkat(int fd, const char *path, int flags)
{
	REAL("unlinkat", int, int, const char *, int)
	return fails_at(CALL_REMOVE, fd, path) ? -1 : real(fd, path, flags);
}
