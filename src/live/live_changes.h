/*
 * Which calls have changed, each once however often, and up to which commit.
 *
 * Of more than LIVE_CHANGES_MAX nothing is kept but how many there were: nobody is shown so many rows.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/own.h"
#include "catalog/projection_change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_CHANGES_MAX 500

struct live_change {
	struct map_node node;
	struct list link;   /* whoever changed last is last */
	unsigned what;      /* enum projection_what, of all its changes */
	int64_t sequence;   /* of the last */
	char sid[SID_SIZE]; /* of the call; of the recording where its call was not told */
};

struct live_changes {
	struct map map;
	struct list list; /* of struct live_change */
	size_t count;
	uint64_t more;    /* not 0: so many changes, and none is kept */
	int64_t sequence; /* the latest commit that it knows of */
};

struct live_changes *live_changes_new(void);
void live_changes_free(struct live_changes *changes);
DEFINE_AUTO(struct live_changes *, live_changes_free)

/* One that concerns no call only moves `sequence`. */
void live_changes_add(struct live_changes *changes, const struct projection_change *change,
		      int64_t sequence);
static inline bool live_changes_is_empty(const struct live_changes *changes)
{
	return changes->count == 0 && changes->more == 0;
}
