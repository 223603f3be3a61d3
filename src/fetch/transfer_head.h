/*
 * The head of an answer, as far as we care, read line by line.  Pure: foreign bytes
 * in, a plain value out; what does not parse counts as absent.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct transfer_head {
	int status;             /* 100 to 999; 0 before the status line */
	int64_t content_length; /* of this answer's body; -1: not said, or not a number */
	char content_type[128]; /* as sent, with its parameters; "" when absent or too long */
	bool is_encoded; /* a Content-Encoding other than identity, which we did not ask for */
	char etag[128];  /* with quotes and W/; "" when absent, malformed or too long */
	bool etag_is_strong;
	char last_modified[48];   /* as sent, for If-Range; "" when absent or not a date */
	int64_t last_modified_ms; /* wall clock; 0 when absent */
	bool accepts_ranges;      /* Accept-Ranges: bytes */
	/*
	 * Content-Range of a 206 (first, last, total) or a 416 (total alone).
	 * has_range: well-formed, first <= last < total where the total is known.
	 */
	bool has_range;
	uint64_t range_first, range_last;
	int64_t range_total;    /* -1: not said */
	int64_t retry_after_ms; /* from now; -1: not said */
	bool has_location;
	int64_t date_ms; /* Date: wall clock; 0 when absent */
	bool is_whole;   /* the blank line has come */
};

void transfer_head_start(struct transfer_head *head);
/*
 * One line, with or without its CR LF.  A status line begins the head anew (after
 * 1xx); lines after the blank one of a final head (trailers) are ignored.
 * wall_now_ms: for a Retry-After that is a date.
 */
void transfer_head_line(struct transfer_head *head, struct str line, int64_t wall_now_ms);
