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

/* Within a write transaction. */
bool numbers_index_add(struct db *db, const struct numbers_of_call *call,
		       struct err *err) MUST_CHECK;
bool numbers_index_remove(struct db *db, const struct numbers_of_call *call,
			  struct err *err) MUST_CHECK;
