/*
 * Calls that are known by their recording alone, of which Twilio is to be asked from, to, direction
 * and status; and those of which a recording is completed, and no end was told.  The projection plans it
 * with the first event of a recording, and with one that completes it, a moment later, so that a callback of
 * the call may come first; the callback that ends the call takes the plan away.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct call_ask {
	char call_sid[SID_SIZE];
	char account_sid[SID_SIZE]; /* "" when not told */
	int64_t started_at_ms;      /* wall clock: the best that is known */
	int64_t at_ms;              /* not before */
};

/* The earliest; the latest.  *out_found: is there one? */
bool call_asks_next(struct catalog *catalog, struct call_ask *out, bool *out_found,
		    struct err *err) MUST_CHECK;
bool call_asks_last(struct catalog *catalog, struct call_ask *out, bool *out_found,
		    struct err *err) MUST_CHECK;

/* The writer: later, or never (0). */
bool call_asks_set(struct catalog *catalog, struct str call_sid, int64_t at_ms,
		   struct err *err) MUST_CHECK;
