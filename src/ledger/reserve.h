/*
 * Room on the disk that is kept for events: a file that holds nothing, given up when the disk is
 * full, so that webhooks are committed on while fetching pauses; and taken again when there is room.
 *
 *	HELD -> SPENT     the disk is full; what the file held is free for the ledger
 *	     -> EXHAUSTED that is full, too: events are refused until there is room
 *
 * Each change is one line of the log.  Thread: the ledger's writer; reserve_state() any.
 */
#pragma once

#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct reserve;

enum reserve_state { RESERVE_HELD, RESERVE_SPENT, RESERVE_EXHAUSTED };

/* What the disk made of a batch. */
enum reserve_batch {
	RESERVE_BATCH_FAILED,
	RESERVE_BATCH_EMPTY, /* nothing was to be written: a full disk takes that, too */
	RESERVE_BATCH_WRITTEN,
};

/* At `path`, which is made; a sixteenth of the disk, at most 16 MiB.  No room for it: SPENT. */
bool reserve_open(const char *path, struct reserve **out, struct err *err) MUST_CHECK;
void reserve_free(struct reserve *reserve); /* the file stays; NULL does nothing */
DEFINE_AUTO(struct reserve *, reserve_free)

uint64_t reserve_size_bytes(const struct reserve *reserve); /* also while it is spent */

/* A write failed with ERR_UNAVAILABLE: true when that was a full disk, and the write may be tried again now. */
bool reserve_spend(struct reserve *reserve);
/* After each batch of writes: takes the room again when there is enough. */
void reserve_turn(struct reserve *reserve, enum reserve_batch batch);
enum reserve_state reserve_state(const struct reserve *reserve);
