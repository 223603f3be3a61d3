/*
 * Ownership in one convention: a local that owns is declared with AUTO and
 * initialised on the same line; giving it away is TAKE.
 *
 *	AUTO(free) char *path = xasprintf("%s/lock", dir);
 *	AUTO(close) int fd = open(path, O_RDWR | O_CLOEXEC);
 *	...
 *	*out_fd = TAKE_FD(fd);
 *
 * The destructor x_free() accepts NULL and half-built objects.  DEFINE_AUTO stands
 * in the header, below the destructor's prototype.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define AUTO(release) __attribute__((cleanup(release##_at), unused))

#define TAKE(owner)                           \
	({                                    \
		__auto_type taken_ = (owner); \
		(owner) = NULL;               \
		taken_;                       \
	})

#define TAKE_FD(owner)                   \
	({                               \
		int taken_fd_ = (owner); \
		(owner) = -1;            \
		taken_fd_;               \
	})

#define DEFINE_AUTO(type, release)                                           \
	static inline __attribute__((unused)) void release##_at(type *owner) \
	{                                                                    \
		release(*owner);                                             \
	}

/* Any pointer from the allocator: void * as the parameter lets one function serve them all. */
static inline __attribute__((unused)) void free_at(void *owner)
{
	void **pointer = owner;

	free(*pointer);
}

static inline __attribute__((unused)) void close_at(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
