/*
 * Rechecks: recordings that were stored although they are not as long as Twilio announced, and
 * whose length at Twilio is looked at once more, at an instant that the ledger keeps.
 *
 * recordings_mark_stored() plans one (recording_media.recheck_at_ms), once a recording: one that was looked at
 * is not planned again, so that an upstream which always differs is not fetched for ever.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

struct recheck_planned {
	struct recording recording;
	int64_t at_ms; /* wall clock */
};

/* The earliest; *out_found: is there one? */
bool rechecks_next(struct catalog *catalog, struct recheck_planned *out, bool *out_found,
		   struct err *err) MUST_CHECK;

/* The writer: later, or never (0). */
bool rechecks_set(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
		  struct err *err) MUST_CHECK;
