/*
 * That a recording expires changes nothing in the ledger: it is a matter of time.  Who is to be told of it is told by a
 * round now and then, which looks, in each class of recordings that are kept equally long, at those whose time has come
 * since the last round: two ends of a range of an index, whatever is stored.
 *
 * Each recording is told of once (expired_seq), though rounds overlap, a crash cut one short, or other rules had all of
 * them looked at again.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far it is; a plain value.  Instants: wall clock. */
struct notify_state {
	int64_t since_ms; /* what expired before it is told to nobody; 0: nobody was to be told yet */
	int64_t expired_until_ms; /* what expired before it was told */
	char rules[SHA256_HEX];   /* by which: of a text that says how long what is kept */
};
/* All zero where there is none. */
bool notify_state_find(struct catalog *catalog, struct notify_state *out,
		       struct err *err) MUST_CHECK;
/* The writer; since_ms 0 forgets it. */
bool notify_state_set(struct catalog *catalog, const struct notify_state *state,
		      struct err *err) MUST_CHECK;

/* Recordings of one account, one direction, and one state of Twilio's copy: a range of recordings_by_age. */
struct expiry_class {
	char account_sid[SID_SIZE]; /* "" not known */
	int64_t direction;          /* as the ledger numbers them */
	int64_t upstream_copy;
};
/* The one behind `class`, which is -1, -1, "" before the first; *out_found: is there one? */
bool expiry_class_next(struct catalog *catalog, struct expiry_class *class, bool *out_found,
		       struct err *err) MUST_CHECK;

/* A recording whose time has come. */
struct expiry {
	int64_t recording_id, started_at_ms;
};
/*
 * Those of a class that began after `after` (its own place excepted) and before before_ms, were not told of, and are
 * stored and not held, in the order of their starts.
 */
bool expiries_list(struct catalog *catalog, const struct expiry_class *class,
		   const struct expiry *after, int64_t before_ms, struct expiry *out, size_t size,
		   size_t *out_count, struct err *err) MUST_CHECK;
/* The writer: a notice, unless there was one, or it is not stored, or held, by now. */
bool expiries_note(struct catalog *catalog, int64_t recording_id, bool *out_is_new,
		   struct err *err) MUST_CHECK;
