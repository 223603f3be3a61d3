/*
 * What there is of bytes, by age: an index of recordings (recordings_by_age) that have a file, or had one that may be
 * there still, and are neither held nor removed.  A page of what is older than an instant costs the same however many
 * recordings there are; so does whether there is any.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "retention/retention.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What we know of Twilio's copy.  Stored as numbers: append only, never renumber. */
enum upstream_copy {
	UPSTREAM_COPY_THERE,   /* as far as we know */
	UPSTREAM_COPY_SPARED,  /* ours was read again, and is whole: Twilio's may go */
	UPSTREAM_COPY_DELETED, /* we had it deleted, or it was gone when we wanted to */
	UPSTREAM_COPY_NEEDED,  /* ours is not what it was: Twilio's is the better one */
	UPSTREAM_COPIES,
};

/* A range of the index; a plain value. */
struct age_range {
	char account_sid[SID_SIZE]; /* "": those whose account is not known */
	enum retention_way way;
	enum upstream_copy copy;
};

struct age_row {
	int64_t id;
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid: "" not known */
	struct kept kept;
	uint64_t size;
};

/*
 * The next account behind `after` that has any of them; *out_found false: there is none.  The account that is not known
 * is before all others, and not found by this.
 */
bool ages_next_account(struct catalog *catalog, const char *after, char out[SID_SIZE],
		       bool *out_found, struct err *err) MUST_CHECK;
/* Where a row stands in its range; a plain value. */
struct age_place {
	int64_t started_at_ms, id;
};
#define AGE_START ((struct age_place){ 0, INT64_MAX }) /* before the oldest whose start is known */
static inline struct age_place age_place_of(const struct age_row *row)
{
	return (struct age_place){ row->kept.started_at_ms, row->id };
}

/* Of a range, what began before that instant and stands behind `after`, the oldest first, up to `size`. */
bool ages_list(struct catalog *catalog, const struct age_range *range, struct age_place after,
	       int64_t before_ms, struct age_row *out, size_t size, size_t *out_count,
	       struct err *err) MUST_CHECK;
/* The same, summed up: walks over all of them, in the index alone.  Adds to *count and *bytes. */
bool ages_sum(struct catalog *catalog, const struct age_range *range, int64_t before_ms,
	      int64_t *count, uint64_t *bytes, struct err *err) MUST_CHECK;
/* When the oldest of a range began; 0: there is none whose start is known. */
bool ages_oldest(struct catalog *catalog, const struct age_range *range, int64_t *out_ms,
		 struct err *err) MUST_CHECK;
