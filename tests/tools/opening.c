/*
 * What becomes of a recording that is being decrypted: a library to be preloaded under the server.
 *
 *	OPENING_REFUSED  set: the file system has no files without a name (O_TMPFILE)
 *	OPENING_STOPS    n: the process stops (SIGSTOP) as it begins the n-th write of what was decrypted
 *
 * So that a test finds a server that is in the middle of it, on either kind of file system, and the binary needs no hook.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_refused;
static _Atomic long writes_left; /* 0: it does not stop */

__attribute__((constructor)) static void start(void)
{
	const char *stops = getenv("OPENING_STOPS");
	long left;

	is_refused = getenv("OPENING_REFUSED") != NULL;
	if (stops && sscanf(stops, "%ld", &left) == 1)
		writes_left = left;
}

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "opening: level=error cannot %s: %s\n", what, strerror(errno));
	abort();
}

/* The next one of that name: libc's, or another preloaded library's. */
#define REAL(name, result, ...)                               \
	static result (*real)(__VA_ARGS__);                   \
	if (!real) {                                          \
		void *found = dlsym(RTLD_NEXT, name);         \
		must(found != NULL, "find " name);            \
		memcpy((void *)&real, &found, sizeof(found)); \
	}

/* In arriving/: without a name, or with the one that it has where none can be without. */
static bool is_being_opened(int fd)
{
	char link[48], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, "/arriving/") && (strstr(path, "(deleted)") || strstr(path, ".open"));
}

int openat(int fd, const char *path, int flags, ...)
{
	REAL("openat", int, int, const char *, int, ...)
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (is_refused && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return real(fd, path, flags, mode);
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at)
{
	REAL("pwrite64", ssize_t, int, const void *, size_t, off_t)
	if (atomic_load(&writes_left) > 0 && is_being_opened(fd) &&
	    atomic_fetch_sub(&writes_left, 1) == 1)
		raise(SIGSTOP); /* this thread: what is sent to the process stops it once another comes to it */
	return real(fd, from, len, at);
}
