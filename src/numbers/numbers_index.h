/*
 * The numbers of calls, for finding calls by them.
 *
 *	call_numbers (digits, started_at_ms, call_id)     a row for each address of a call
 *	number_parts (part, digits)                       some for each number that there is
 *
 * Below one number the calls stand in the order of the list, so that a number with a
 * million calls (the product's own) is paged like the list itself.  started_at_ms is
 * a copy: whoever changes it or an address of a call removes and adds its rows here.
 *
 * Parts are for digits that stand inside of a number.  Ten million calls have two million numbers, so they are of
 * numbers, not of calls; and of every second place in a number, so that what is sought begins at one of them or one
 * before: half as many rows for two looks.  A number whose last call has gone keeps its parts: they lead to no call.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "numbers/number_digits.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

#define NUMBER_PART_FIRST 1 /* the place of the first part of a number, last digit first */
#define NUMBER_PART_STEP  2
#define NUMBER_PART_LEN   5 /* at most; at the end as many digits as are left, at least the least */
#define NUMBER_PART_LEAST 2

struct numbers_of_call {
	struct str from, to; /* addresses */
	int64_t started_at_ms, call_id;
};

/* Numbers whose parts this transaction has put there, or found.  Zeroed at first; full it forgets nothing and learns nothing. */
#define NUMBERS_SEEN_SLOTS 1024 /* a power of two */
struct numbers_seen {
	size_t count;
	struct digits digits[NUMBERS_SEEN_SLOTS];
};

/* Within a write transaction.  `seen` may be NULL: on a server it spares a statement for each number that many calls have. */
bool numbers_index_add(struct db *db, const struct numbers_of_call *call, struct numbers_seen *seen,
		       struct err *err) MUST_CHECK;
bool numbers_index_remove(struct db *db, const struct numbers_of_call *call,
			  struct err *err) MUST_CHECK;
