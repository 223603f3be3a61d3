/*
 * One Range header against a representation of `size` bytes (RFC 9110, 14.1 and 14.2).
 *
 * RANGE_WHOLE    the whole body with 200: another unit, malformed, or abusive
 * RANGE_SOME     out->count ranges, clamped, none empty, in the order asked: 206
 * RANGE_OUTSIDE  well-formed, but no requested byte exists: 416
 *
 * A server may ignore a Range that it does not like (RFC 9110, 14.2).  Abusive: more than
 * RANGES_MAX ranges, or overlapping ones that together exceed the body.  Pure.
 */
#pragma once

#include "base/str.h"

#include <stdint.h>

#define RANGES_MAX 16

enum range_result { RANGE_WHOLE, RANGE_SOME, RANGE_OUTSIDE };

struct range {
	uint64_t first, last; /* both included */
};

struct ranges {
	unsigned count;
	struct range at[RANGES_MAX];
};

enum range_result range_parse(struct str header, uint64_t size, struct ranges *out);
