/*
 * When events are projected (projection/projection.h), and what becomes of one that cannot be.
 *
 * What fails is tried again after a while, longer each time, with or without another event.  Where the
 * disk is full that goes on until there is room.  Where one event fails, those before it are
 * applied; and when it has failed PROJECTOR_TRIES times it is set aside, so that it does not hold up all
 * that come behind it: it stays in the log and in the table events_set_aside, with the reason.
 *
 * Belongs to the writer's thread.
 */
#pragma once

#include "base/err.h"
#include "projection/projection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 100 ms, then twice as long each time: seven tries take 6 s, within which a lock or a hiccup is over. */
#define PROJECTOR_TRIES    7
#define PROJECTOR_FIRST_MS 100
#define PROJECTOR_MOST_MS  10000

struct catalog;

struct projector {
	struct projection_result done; /* of the last turn: count 0 when there is nothing to tell */

	/* In place of catalog_begin_ahead(); NULL: that. */
	bool (*begin)(struct projector *projector, struct catalog_ahead *ahead, struct err *err);

	/* Internal; all 0 at first. */
	size_t events_max; /* 0: as many as there are; else those before the one that failed, or fewer than took too long */
	int64_t failing_event, failing_stream; /* 0, the event: none is to blame */
	unsigned tries;
	bool is_careful; /* one of a batch has failed, and it is to be known which */
	bool is_disk_full;
	int64_t again_at_ms; /* 0: nothing has failed */
	struct projection_ahead ahead;
};

/*
 * Applies a batch in a transaction of its own, if it is time to; `was_written`: something was committed since
 * the last turn, and so a disk that was full may have room.  True: call again, more is waiting.
 */
bool projector_turn(struct projector *projector, struct catalog *catalog, bool was_written,
		    int64_t now_ms);
/* How long until there is something to try again; -1: nothing is. */
int64_t projector_wait_ms(const struct projector *projector, int64_t now_ms);
