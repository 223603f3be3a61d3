/*
 * Recordings that lie in files, on their way into a bucket, under the same names.
 *
 * Each is put with the SHA-256 that the ledger has of it: what is not that any more the bucket refuses, and it counts as a fault, which
 * `callspool verify` mends.  Its waveform goes with it; and what else lies in files and may be of use yet (media_move.c).
 *
 * Blocking, on one thread; several files at once.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "s3/s3_options.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct media_move;

struct media_move_options {
	const char *ledger; /* the file */
	const char *data_dir;
	struct s3_options to;
	const char
		*store_id; /* of the ledger: what the bucket says whose it is (blob_store_know()) */
	unsigned at_once;
	uint64_t min_free_bytes;
	atomic_bool *
		is_to_stop; /* any thread sets it; then what is under way is given up soon, and this is of use no more */
	/* On this thread, again and again: the bucket does not answer; NULL: it does. */
	void (*waits)(void *owner, const struct err *waits_for);
	void *owner;
};

/*
 * The place in the bucket is this ledger's from then on, as it says there.  ERR_UNAVAILABLE: the bucket does not answer, or refuses us.
 * ERR_CONFLICT: it is another ledger's store.  `is_new`: nothing was put there yet.
 */
bool media_move_open(const struct media_move_options *options, bool is_new, struct media_move **out,
		     struct err *err) MUST_CHECK;
void media_move_free(struct media_move *move); /* NULL does nothing */
DEFINE_AUTO(struct media_move *, media_move_free)

/* It still is.  ERR_CONFLICT, ERR_UNAVAILABLE: as at first. */
bool media_move_is_ours(struct media_move *move, struct err *err) MUST_CHECK;

/* How many are stored, now: what else is brought is not among them. */
bool media_move_count(struct media_move *move, uint64_t *out, struct err *err) MUST_CHECK;
struct media_move_page {
	int64_t up_to;   /* the id of the last recording that was looked at */
	uint64_t stored; /* of these: what media_move_count() counts */
	bool is_last;
};
/*
 * A page of recordings that have files, behind `after`.  `looks`: what is there already, by its MD5, is left there.  ERR_UNAVAILABLE, "": it was stopped.
 */
bool media_move_page(struct media_move *move, int64_t after, bool looks,
		     struct media_move_page *out, struct err *err) MUST_CHECK;
/*
 * The objects of a page of stored recordings are read, each as a whole, and have to be what was put there: once they are put anew, then
 * it is a fault.
 */
bool media_move_verify_page(struct media_move *move, int64_t after, struct media_move_page *out,
			    struct err *err) MUST_CHECK;
/*
 * What was noted of recordings up to the id `most`: what is of use now is brought, what is of use no more is not left there.  *out_noted:
 * the last note that this has seen.
 */
bool media_move_changes(struct media_move *move, int64_t most, int64_t *out_noted,
			struct err *err) MUST_CHECK;
/*
 * From now on there is not much time: what the bucket has not answered by `until_ms`, monotonic, is given up within seconds
 * (MEDIA_MOVE_HURRY_MS), and each of the above says so: ERR_UNAVAILABLE.  Then this is of use no more.
 */
#define MEDIA_MOVE_HURRY_MS 2000
void media_move_hurry(struct media_move *move, int64_t until_ms);
/* Nothing was wrong with any file; ERR_CONFLICT: names the first, and says how many. */
bool media_move_is_whole(const struct media_move *move, struct err *err) MUST_CHECK;
/* The id of the first recording with a fault; INT64_MAX: there is none. */
int64_t media_move_first_fault(const struct media_move *move);
