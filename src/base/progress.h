/*
 * How far long work is: embedded in whoever shows it, told by whoever does the work.
 */
#pragma once

#include <stdint.h>

struct progress {
	/* Often, on the thread that works: done of all, in whatever is counted; `all` may grow. */
	void (*moved)(struct progress *progress, uint64_t done, uint64_t all);
};

/* NULL: nobody looks. */
static inline void progress_move(struct progress *progress, uint64_t done, uint64_t all)
{
	if (progress)
		progress->moved(progress, done, all);
}
