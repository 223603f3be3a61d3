/*
 * The streams of events (events.h), as far as they were projected.  For this room and projection/ alone; within a write
 * transaction.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct catalog;

/* How far a stream was projected. */
struct stream_mark {
	int64_t stream, watermark;
};
#define STREAMS_MAX 256 /* of processes that live, and of those that left events behind */

/*
 * Those that this process projects: that of turns, which is 0, its own, where it has one, and those of processes that are
 * no more, as far as is known here.
 */
#define STREAMS_PROJECTED_MAX (STREAMS_MAX + 2)
bool streams_projected(struct catalog *catalog, struct stream_mark out[STREAMS_PROJECTED_MAX],
		       size_t *out_count, struct err *err) MUST_CHECK;
/*
 * Of these, where nothing was asked yet, that of turns and the process's own, as the last turn that this process saw left them: how
 * many, one or two.  What turn_begin() reads next may say otherwise.
 */
size_t streams_at_hand(struct catalog *catalog, struct stream_mark out[2]);
/* Somebody has projected up to this event already, or further: all of a stream that is no more. */
bool stream_is_past(struct catalog *catalog, const struct stream_mark *event, bool *out,
		    struct err *err) MUST_CHECK;
/* It was projected up to this event, and not so far before, and a turn tells that; ERR_NOT_FOUND: there is no such stream any more. */
bool stream_advance(struct catalog *catalog, const struct stream_mark *to,
		    struct err *err) MUST_CHECK;
/* All of it was projected, and nothing more is to come: so it is where nobody is left who appends to it. */
void stream_end(struct catalog *catalog, int64_t stream);
