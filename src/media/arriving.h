/*
 * How far the recordings are that are arriving just now, for whoever shows it.
 *
 * The fetching loop tells it of each piece that came; serving loops and readers of the ledger look when they want to.  It
 * holds what is under way and nothing else: some dozens of entries.
 *
 * Any thread, a lock for a few instructions.  A table that is NULL is empty, and is told nothing.
 */
#pragma once

#include "base/compiler.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRIVING_TOTAL_UNKNOWN UINT64_MAX

struct arriving {
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid may be "" */
	int64_t started_at_ms; /* of the recording: not before its call; wall clock, 0 not known */
	uint64_t bytes, total; /* here, and in all, or ARRIVING_TOTAL_UNKNOWN */
};

struct arriving_table;

struct arriving_table *arriving_table_new(void);
void arriving_table_free(struct arriving_table *table);
DEFINE_AUTO(struct arriving_table *, arriving_table_free)

/* It is so far, and was not there or less far before. */
void arriving_set(struct arriving_table *table, const struct arriving *arriving);
/* It arrives no longer; as often as you like. */
void arriving_end(struct arriving_table *table, const char *recording_sid);

/* False: it is not arriving. */
bool arriving_find(struct arriving_table *table, struct str recording_sid,
		   struct arriving *out) MUST_CHECK;
/*
 * Up to `size` of those that moved since *turn, which is 0 at first and goes on to what to ask with next: who asks each
 * while hears of each step once.
 */
size_t arriving_moved(struct arriving_table *table, uint64_t *turn, struct arriving *out,
		      size_t size);
