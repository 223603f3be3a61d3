/*
 * Which recording a file is of that another system left: by the SID in its name, and by its length.  Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADOPT_REASON_SIZE 160

enum adopt_meaning {
	ADOPT_TAKE,     /* it is recordings[index] */
	ADOPT_HERE,     /* what it is of is stored already */
	ADOPT_UNKNOWN,  /* the ledger knows no such recording, or none of the call */
	ADOPT_CONFLICT, /* it cannot be told, or may not be: `reason` */
};

struct adopt_match {
	enum adopt_meaning meaning;
	size_t index; /* with ADOPT_TAKE */
	char reason[ADOPT_REASON_SIZE];
};

/* Before the file is read: nothing of it can be missing, because all of these are stored. */
bool adopt_is_here(const struct recording *recordings, size_t count);
/*
 * `recordings`: the one of that SID, or all of the call.  A length fits as it does for a download
 * (verdict_duration_is_off()); it fits every recording whose length was not told.
 */
void adopt_match(const struct recording *recordings, size_t count, int64_t duration_ms,
		 struct adopt_match *out);
/*
 * The SID under which the file of a call is kept of which no recording is known: made of the call's SID, so that
 * it is the same each time.
 */
void adopt_recording_sid(struct str call_sid, char out[SID_SIZE]);
