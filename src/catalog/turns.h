/*
 * What an open ledger holds in memory, and the turns that move it on: the sequence, the watermark, the counters.
 * For the files of this room alone.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "catalog/recordings.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a turn tells.  Changes gather in memory and become one row at the commit.
 * The counters' values are stored: a new one goes to the end.
 */
enum catalog_number {
	NUMBER_SEQUENCE,  /* catalog_sequence() */
	NUMBER_WATERMARK, /* the last event that was projected */
	NUMBER_COUNTERS,  /* the first of them */
	NUMBER_CALLS = NUMBER_COUNTERS,
	NUMBER_BYTES_STORED,
	NUMBER_RECORDINGS, /* + enum recording_state */
	CATALOG_NUMBERS = NUMBER_RECORDINGS + RECORDING_STATES,
};

struct catalog {
	struct db *db;
	enum catalog_mode mode;
	int64_t process_id;               /* of the row in processes; 0: none */
	int64_t numbers[CATALOG_NUMBERS]; /* at the begin of this write transaction */
	int64_t added[CATALOG_NUMBERS];   /* in it, not in the table yet */
	int64_t last_event;               /* the place that was given last in it; 0: none */
	int64_t last_turn;                /* the turn that was written in it; 0: none */
	int64_t turns_kept_from;          /* the sequence before which the next removal removes */
	int turns_left;                   /* until the next removal */
	bool notifies;                    /* changes are noted (notices.h) */
};

/* What is gathered included, within a write transaction. */
bool numbers_read(struct catalog *catalog, int64_t out[CATALOG_NUMBERS],
		  struct err *err) MUST_CHECK;
bool number_read(struct catalog *catalog, enum catalog_number number, int64_t *out,
		 struct err *err) MUST_CHECK;
static inline void number_add(struct catalog *catalog, enum catalog_number number, int64_t n)
{
	catalog->added[number] += n;
}
/* The first thing in a write transaction, and the last: reads where the ledger stands, and tells what changed. */
bool turn_begin(struct catalog *catalog, struct err *err) MUST_CHECK;
bool turn_end(struct catalog *catalog, struct err *err) MUST_CHECK;
