/*
 * Which of the numbers that the old ledger tells were given: the sequence's, attempts', events'.
 *
 * A byte that was written over makes any number of one, and what is numbered from now on goes on behind the highest: one of garbage
 * would use up what there is.  Real ones lie together: each restore and each rebuild leaps by CATALOG_LEAP,
 * and nobody does that a thousand times.  So what counts is the leap in which most of them lie, and what is not far beyond.
 */
#pragma once

#include "base/own.h"

#include <stdint.h>

/* Numbers beyond are garbage, whatever lies beside them. */
#define OLD_NUMBER_MOST (INT64_C(1) << 48)

struct old_numbers;

struct old_numbers *old_numbers_new(void);
void old_numbers_free(struct old_numbers *numbers); /* NULL does nothing */
DEFINE_AUTO(struct old_numbers *, old_numbers_free)

/* One that a row, or the name of a file, tells; those that cannot be are passed over. */
void old_numbers_note(struct old_numbers *numbers, int64_t number);
/* 0: there is none. */
int64_t old_numbers_highest(const struct old_numbers *numbers);
