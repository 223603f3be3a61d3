/*
 * Which numbers have these digits in them?
 *
 * Those that end in them are found by leaping through call_numbers from one number to the next, a descent each; those that
 * have them further inside through the parts of numbers (numbers_index.h): of the parts that the digits must show, the
 * rarest is looked through.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "numbers/number_digits.h"

#include <stdbool.h>
#include <stddef.h>

struct db;

/*
 * At most `most` of them, each once; *out_more: there may be others, and *out_count says nothing.  It costs as much as
 * `most` and a bounded number of looks.
 */
bool numbers_find(struct db *db, const struct digits *sought, struct digits *out, size_t most,
		  size_t *out_count, bool *out_more, struct err *err) MUST_CHECK;
