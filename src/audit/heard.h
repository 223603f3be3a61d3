/*
 * What of a recording was heard, as its player reports it: ranges of time, joined where they meet.  Pure.
 */
#pragma once

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

#define HEARD_RANGES  16
#define HEARD_MOST_MS UINT32_MAX /* 49 days */

/* All zero: nothing. */
struct heard {
	uint64_t listened_ms; /* what is heard twice counts twice */
	size_t count;
	struct heard_range { /* in order, apart from each other */
		uint32_t from_ms, to_ms;
	} ranges[HEARD_RANGES];
};

/* from_ms < to_ms.  Of more ranges than there is room for the two nearest become one. */
void heard_add(struct heard *heard, uint32_t from_ms, uint32_t to_ms);
/* All of `more`. */
void heard_join(struct heard *heard, const struct heard *more);
/* "heard": [[0.000,15.200]], "listened": 15.200; seconds. */
void heard_write(const struct heard *heard, struct json *json);
