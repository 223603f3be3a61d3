/*
 * What is to be remembered of chores that nobody asks for: by name, an instant and a number.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

#define UPKEEP_CLOCK \
	"clock" /* at_ms: the latest instant at which the clock was known to be right */
#define UPKEEP_PURGE \
	"purge" /* at_ms: the latest purge that removed anything, count: how many it did */

/* The id of a store of media that is this ledger's (blob_store_know()), once there is one: UPKEEP_ID_SIZE - 1 characters. */
#define UPKEEP_STORE   "store"
#define UPKEEP_ID_SIZE 33

/* Media was moved from files into a bucket: what `store` has to name, as it was then.  count: has anybody been served from there yet? */
#define UPKEEP_MOVED_STORE "moved_store"
enum upkeep_moved { UPKEEP_MOVED_ARRIVED, UPKEEP_MOVED_AWAITED };
#define UPKEEP_TEXT_SIZE 768

/*
 * Nothing is removed by age, nor deleted at Twilio, for the ledger may have lost holds.  at_ms: until then, by Twilio's time;
 * 1: it has not been told since.  count: why.
 */
#define UPKEEP_PURGE_PAUSE "purge_pause"
/* Stored as numbers: append only, never renumber. */
enum upkeep_pause { UPKEEP_PAUSE_OVER, UPKEEP_PAUSE_REBUILT, UPKEEP_PAUSE_RESTORED };

struct upkeep {
	int64_t at_ms; /* 0: there is no such row */
	int64_t count;
};

bool upkeep_find(struct catalog *catalog, const char *name, struct upkeep *out,
		 struct err *err) MUST_CHECK;
/* The writer. */
bool upkeep_set(struct catalog *catalog, const char *name, const struct upkeep *row,
		struct err *err) MUST_CHECK;
/* The writer: from now on nothing is removed, until a person says so, or for a day (purge/purge_pause.h). */
bool upkeep_pause_purge(struct catalog *catalog, enum upkeep_pause why, struct err *err) MUST_CHECK;
/* "": there is none. */
bool upkeep_find_id(struct catalog *catalog, const char *name, char out[UPKEEP_ID_SIZE],
		    struct err *err) MUST_CHECK;
/* The writer: that one, unless there is one already. */
bool upkeep_set_id(struct catalog *catalog, const char *name, const char *id,
		   struct err *err) MUST_CHECK;
/* The same of a text; the writer puts it in the place of the one that is there. */
bool upkeep_find_text(struct catalog *catalog, const char *name, char out[UPKEEP_TEXT_SIZE],
		      struct err *err) MUST_CHECK;
bool upkeep_set_text(struct catalog *catalog, const char *name, const char *text,
		     struct err *err) MUST_CHECK;
/* The writer: that of the name; where there is none it is made, at random. */
bool upkeep_make_id(struct catalog *catalog, const char *name, char out[UPKEEP_ID_SIZE],
		    struct err *err) MUST_CHECK;
/* When the ledger was last written to before this transaction, wall clock; 0: never. */
bool upkeep_last_write(struct catalog *catalog, int64_t *out_ms, struct err *err) MUST_CHECK;
