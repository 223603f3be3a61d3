/*
 * Holds: what is held neither expires nor is removed, by nobody, until the hold is lifted.
 *
 * The writer, within a transaction.  ERR_NOT_FOUND: no such recording.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct recording_hold {
	struct str by; /* cut at HOLD_BY_SIZE; empty: nobody by name */
	int64_t at_ms;
	struct str reason; /* cut at HOLD_REASON_SIZE; may be empty */
};

/*
 * Any state in which something is left to be held, else ERR_CONFLICT.  The last hold is the one that counts: who,
 * when and why are its own.  What had expired before it was fetched is queued, *out_to_fetch.
 */
bool recordings_hold(struct catalog *catalog, struct str recording_sid,
		     const struct recording_hold *hold, bool *out_to_fetch,
		     struct err *err) MUST_CHECK;
/* One that is not held is left as it is. */
bool recordings_lift_hold(struct catalog *catalog, struct str recording_sid,
			  struct err *err) MUST_CHECK;
