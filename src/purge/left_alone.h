/*
 * What failed is left alone for a while, by name, and the while doubles each time it fails again: so that one that always fails
 * holds up nobody else.
 *
 * Of a fixed size: where more fail than there is room for, the one whose rest ends first makes room.  It is tried
 * again sooner than it should be, and that is all.  Forgotten with the process.
 *
 * Thread: one.
 */
#pragma once

#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEFT_ALONE_ROOM 256

struct left_alone_row {
	char sid[SID_SIZE]; /* "": none */
	int64_t wait_ms, until_ms;
};

/* All zero: nothing rests.  Embedded in who leaves alone. */
struct left_alone {
	struct left_alone_row rows[LEFT_ALONE_ROOM];
};

/*
 * It failed: it rests for least_ms, or for twice as long as the last time, and never for more than most_ms.  True: it is
 * the first time since it worked last.
 */
bool left_alone_failed(struct left_alone *left_alone, const char *sid, int64_t now_ms,
		       int64_t least_ms, int64_t most_ms);
void left_alone_worked(struct left_alone *left_alone, const char *sid);
bool left_alone_rests(const struct left_alone *left_alone, const char *sid, int64_t now_ms);
/* For how long until the first of those that rest does no more; INT64_MAX: none rests. */
int64_t left_alone_next_ms(const struct left_alone *left_alone, int64_t now_ms);
