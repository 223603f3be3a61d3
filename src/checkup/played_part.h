/*
 * Is the answer to a play what RFC 9110 and players want?  Pure.
 */
#pragma once

#include "base/str.h"
#include "doctor/http_ask.h"

#include <stdbool.h>
#include <stdint.h>

struct played_part {
	long status;         /* 200, 206, 416 */
	uint64_t first, end; /* of the media: what the body holds; for HEAD what its length says */
	bool is_head;
};

/* NULL: as it should be; else what is wrong, a sentence without its full stop.  `media`: all of it. */
const char *played_part_fault(const struct played_part *part, struct str media,
			      const struct http_answer *answer);
