/*
 * Linked into the callspool that tools/walk builds: writes down each function that is entered and left.
 *
 * Each thread has a file of its own, WALK_TRACE.<thread>: a count, then so many words, each the address
 * of a function, doubled, and 1 more where it is left.  A reader may look while it grows.  What does not fit is not written.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORDS ((size_t)4 * 1024 * 1024)
#define PLAIN __attribute__((no_instrument_function))

struct trace {
	_Atomic uint64_t count;
	uint64_t words[WORDS];
};

static _Thread_local struct trace *trace;
static _Thread_local int is_off; /* here, or for good */

PLAIN void __cyg_profile_func_enter(void *function, void *caller);
PLAIN void __cyg_profile_func_exit(void *function, void *caller);

static PLAIN void begin(void)
{
	const char *prefix = getenv("WALK_TRACE");
	char path[4096];
	void *at;
	int fd;

	if (!prefix)
		return;
	snprintf(path, sizeof(path), "%s.%d", prefix, (int)gettid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (ftruncate(fd, sizeof(struct trace)) == 0) {
		at = mmap(NULL, sizeof(struct trace), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		trace = at == MAP_FAILED ? NULL : at;
	}
	close(fd);
}

static PLAIN void add(uint64_t word)
{
	uint64_t count;

	if (is_off)
		return;
	if (!trace) {
		is_off = 1;
		begin();
		is_off = !trace;
	}
	if (!trace)
		return;
	count = atomic_load_explicit(&trace->count, memory_order_relaxed);
	if (count == WORDS)
		return;
	trace->words[count] = word;
	atomic_store_explicit(&trace->count, count + 1, memory_order_release);
}

void __cyg_profile_func_enter(void *function, void *caller)
{
	(void)caller;
	add((uint64_t)(uintptr_t)function * 2);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)caller;
	add((uint64_t)(uintptr_t)function * 2 + 1);
}
