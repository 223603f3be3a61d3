/*
 * A clock that jumps: a library to be preloaded under the server.
 *
 *	JUMPING_CONTROL  an existing file of 8 bytes, mapped and shared: by how many milliseconds the wall clock is ahead
 *
 * A test writes the number (below 0: behind) whenever it likes, as somebody who sets the clock of the machine does: what
 * counts on (CLOCK_MONOTONIC, CLOCK_BOOTTIME) goes on as it was, and so do the dates of files, which are the kernel's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

static _Atomic int64_t *ahead_ms; /* NULL: not asked for */

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "jumping: level=error cannot %s: %s\n", what, strerror(errno));
	abort();
}

__attribute__((constructor)) static void start(void)
{
	const char *file = getenv("JUMPING_CONTROL");
	void *at;
	int fd;

	if (!file)
		return;
	fd = open(file, O_RDWR | O_CLOEXEC);
	must(fd >= 0, "open JUMPING_CONTROL");
	at = mmap(NULL, sizeof(*ahead_ms), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(at != MAP_FAILED, "map JUMPING_CONTROL");
	ahead_ms = at;
	close(fd);
}

/* Before 1970 there is no time. */
static void move(struct timespec *at)
{
	int64_t ms = atomic_load(ahead_ms);
	int64_t ns = at->tv_nsec + ms % MS_PER_S * NS_PER_MS;

	at->tv_sec += ms / MS_PER_S + (ns >= NS_PER_S) - (ns < 0);
	at->tv_nsec = ns + (ns < 0 ? NS_PER_S : 0) - (ns >= NS_PER_S ? NS_PER_S : 0);
	if (at->tv_sec < 0)
		*at = (struct timespec){ 0 };
}

/* libc's, which a sanitizer that stands before this asks for by us. */
int clock_gettime(clockid_t clock, struct timespec *at)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (!real) {
		void *found = dlsym(RTLD_NEXT, "clock_gettime");

		must(found != NULL, "find clock_gettime");
		memcpy((void *)&real, &found, sizeof(found));
	}
	result = real(clock, at);
	if (result == 0 && ahead_ms && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		move(at);
	return result;
}

time_t time(time_t *out)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone; /* obsolete, and left as it is by libc */
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}
