/*
 * The digits of a telephone number, last one first.  Pure.
 *
 * People know numbers as they dial them at home (050-1234567), the ledger has them
 * as E.164 (+972501234567): what both have in common is the end.  So each address is kept with its digits
 * reversed, and "ends in" is a range of an index.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

#define DIGITS_MAX        24 /* E.164 has at most 15; a SIP user may be longer */
#define DIGITS_SEARCH_MIN 3

struct digits {
	char text[DIGITS_MAX + 1];
};

/* "" when there are too few to search by: client names, hidden numbers. */
struct digits digits_of_address(struct str address);
/* The same of what a person typed: all digits of it, leading zeros dropped. */
struct digits digits_of_search(struct str typed);
/* Does the number have these digits in it, anywhere? */
bool digits_hold(const struct digits *number, const struct digits *sought);
