/*
 * What Twilio was asked to delete of what is stored here: how many in the last time, and what we know of its copy.
 *
 * A row is written each time before Twilio is asked, so that no crash makes a day's number larger than it may be.  Its time is
 * Twilio's (purge/clock_guard.h) or ours, whichever is later: by either of them, jumping, a day could end early.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "chores/recordings_age.h"

#include <stdbool.h>
#include <stdint.h>

/* Of how many recordings after since_ms, the one that is named (NULL: none) left out. */
bool upstream_deletions_count(struct catalog *catalog, int64_t since_ms, const char *but_sid,
			      int64_t *out, struct err *err) MUST_CHECK;
/* Was that one asked for, as far back as rows go? */
bool upstream_deletions_has(struct catalog *catalog, const char *recording_sid, bool *out,
			    struct err *err) MUST_CHECK;
/* The writer: what is of a time that is still to come (an older version, a clock that was ahead) is of now at the latest. */
bool upstream_deletions_bound(struct catalog *catalog, int64_t now_ms, struct err *err) MUST_CHECK;
/* The writer: Twilio is asked now.  Rows before forget_ms are taken away. */
bool upstream_deletions_add(struct catalog *catalog, const char *recording_sid, int64_t at_ms,
			    int64_t forget_ms, struct err *err) MUST_CHECK;
/* The writer: nothing that anybody is shown changes. */
bool upstream_copy_set(struct catalog *catalog, const char *recording_sid, enum upstream_copy copy,
		       struct err *err) MUST_CHECK;
/* The writer: Twilio's copy is not to be deleted, whatever ours is by now; one that was deleted stays so. */
bool upstream_copy_need(struct catalog *catalog, const char *recording_sid,
			struct err *err) MUST_CHECK;
bool upstream_copy_find(struct catalog *catalog, const char *recording_sid, enum upstream_copy *out,
			struct err *err) MUST_CHECK;
