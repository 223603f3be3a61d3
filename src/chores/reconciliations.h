/*
 * How far Twilio's list of recordings was read, a row for each account: what the next pass has to go back
 * to, and what is told of the last.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECONCILIATION_TEXT_SIZE 200

/* A plain value; all zero: no pass was ever completed.  Instants: wall clock, 0 never. */
struct reconciliation {
	char account_sid[SID_SIZE];
	int64_t since_ms;        /* everything that was created since then was listed */
	int64_t edge_ms;         /* the next pass goes back so far */
	int64_t started_at_ms;   /* of the last pass that was completed */
	int64_t completed_at_ms; /* its end */
	int64_t deep_at_ms;      /* start of the last completed pass that went further back */
	int64_t listed,
		found; /* by that pass; found: of these were not known, or not as completed */
	int64_t failing_since_ms;               /* since that pass: the first that failed; 0 none */
	char failure[RECONCILIATION_TEXT_SIZE]; /* why the latest did; "" */
};

/* All zero where there is no row. */
bool reconciliations_find(struct catalog *catalog, struct str account_sid,
			  struct reconciliation *out, struct err *err) MUST_CHECK;
/* By account SID, up to `size`. */
bool reconciliations_list(struct catalog *catalog, struct reconciliation *out, size_t size,
			  size_t *out_count, struct err *err) MUST_CHECK;

/* The writer: in the place of the account's row, if there is one. */
bool reconciliations_set(struct catalog *catalog, const struct reconciliation *row,
			 struct err *err) MUST_CHECK;
/* The writer: a pass failed at that instant; what is known of the last completed one stays. */
bool reconciliations_failed(struct catalog *catalog, struct str account_sid, int64_t at_ms,
			    struct str why, struct err *err) MUST_CHECK;
