/*
 * That a ledger in a file is being moved, as it says itself: where to, under which name, and that it was.
 *
 *	departure_begin   changes are noted from now on (tables.h); the row of `departing` has the name
 *	departure_end     it stays: as if nothing had been begun
 *	departure_finish  it was moved: whoever opens it is told where to (schema.h)
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

#define DEPARTURE_NAME_SIZE 33
#define DEPARTURE_TO_SIZE   1024

struct departure {
	char name[DEPARTURE_NAME_SIZE]; /* of this move, and of no other; "": none has begun */
	char to[DEPARTURE_TO_SIZE];     /* what the settings are to say: departure_words() */
	int64_t began_at_ms;
	int64_t media;    /* of a move of media alone: recordings up to that id were brought */
	bool has_arrived; /* it was moved, and is served from there */
	bool verifies; /* media is to be read back before it is served from, whoever goes on with it */
	bool is_verified; /* ... and all of it was */
	bool is_given_up; /* name "": one was, and notes of it are left to be removed: departure_end() */
	bool is_older; /* a callspool began it that noted otherwise: it cannot be gone on with */
};

/* "database = postgresql://… and store = s3://…"; of one that is NULL the other alone. */
void departure_words(const char *database, const char *store, char out[DEPARTURE_TO_SIZE]);

/* The other way round; "": there is none. */
#define DEPARTURE_ADDRESS_SIZE 768
void departure_addresses(const char *words, char database[DEPARTURE_ADDRESS_SIZE],
			 char store[DEPARTURE_ADDRESS_SIZE]);

/* Outside a transaction or in one. */
bool departure_find(struct db *db, struct departure *out, struct err *err) MUST_CHECK;
bool departure_find_in(struct catalog *catalog, struct departure *out, struct err *err) MUST_CHECK;
/* ERR_CONFLICT: it can only be ended. */
bool departure_may_go_on(const struct departure *departure, struct err *err) MUST_CHECK;
/* The writer's, in a transaction.  One that has begun under the same name goes on, and `verifies` is added to it; ERR_CONFLICT: it has another name. */
bool departure_begin(struct catalog *catalog, const struct departure *departure,
		     struct err *err) MUST_CHECK;
/* The writer's: see `media`. */
bool departure_set_media(struct catalog *catalog, int64_t id, struct err *err) MUST_CHECK;
/* The writer's: all of it was. */
bool departure_set_verified(struct catalog *catalog, struct err *err) MUST_CHECK;
/* In pieces, for other writers wait meanwhile: again until *out_is_over; after the first none has begun. */
bool departure_end(struct catalog *catalog, bool *out_is_over, struct err *err) MUST_CHECK;
/* The recordings that were noted, behind the id `after` and up to `most`; and the number of the last note of all. */
struct departure_recording {
	int64_t id;
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid "": none */
};
bool departure_recordings(struct catalog *catalog, int64_t after, int64_t most,
			  struct departure_recording *out, size_t size, size_t *out_count,
			  struct err *err) MUST_CHECK;
bool departure_last(struct catalog *catalog, int64_t *out, struct err *err) MUST_CHECK;
/* In pieces: again until *out_is_all. */
bool departure_forget(struct catalog *catalog, int64_t last, bool *out_is_all,
		      struct err *err) MUST_CHECK;
/* Of a ledger that nobody else has open: a transaction of its own.  When it returns true this is on the disk. */
bool departure_finish(const char *path, const struct departure *departure,
		      struct err *err) MUST_CHECK;
/* Nothing of it is to be done any more: see has_arrived. */
bool departure_set_arrived(const char *path, struct err *err) MUST_CHECK;
/* Has a move of the ledger in the file begun?  name "": no. */
bool departure_begun(const char *path, struct departure *out, struct err *err) MUST_CHECK;
/* Was the ledger in the file moved?  "": no, or there is none; else what departure_words() said. */
bool departure_moved_to(const char *path, struct departure *out, struct err *err) MUST_CHECK;
