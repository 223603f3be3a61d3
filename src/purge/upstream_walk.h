/*
 * Which recording's copy at Twilio is the next to be deleted: a walk over what is old enough, of each account whose
 * credentials we have, what was begun first, then the oldest.
 *
 * It goes on behind the one that it found, whatever became of that: what cannot be deleted now, be it a thousand of them, holds
 * up nobody.  The next walk comes to those again.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "chores/recordings_age.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct accounts;
struct left_alone;
struct recording;

/* All zero: at the beginning. */
struct upstream_walk {
	size_t account;         /* which of the accounts */
	unsigned copy;          /* which state of Twilio's copy */
	unsigned way;           /* which direction */
	bool is_inside;         /* of that range: */
	struct age_place place; /* behind this one */
};

/* Borrowed. */
struct upstream_wanted {
	const struct accounts *accounts;
	const struct left_alone *left_alone; /* accounts and recordings that are left alone ... */
	int64_t loop_ms;                     /* ... by this clock */
	int64_t before_ms;                   /* began before that: wall clock */
};

enum upstream_found {
	UPSTREAM_FOUND, /* *out is it */
	UPSTREAM_MORE,  /* none yet: enough has been read for one transaction */
	UPSTREAM_END,   /* none any more: the walk is at the beginning again */
};

/* A reader. */
bool upstream_walk_next(struct upstream_walk *walk, struct catalog *catalog,
			const struct upstream_wanted *wanted, struct recording *out,
			enum upstream_found *out_found, struct err *err) MUST_CHECK;
