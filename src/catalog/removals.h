/*
 * Recordings whose bytes are taken away, and the list of files that are still there.
 *
 * The ledger says first that a recording is removed; its files go after the commit.  Between the two
 * stands a row of `removals`, so that a crash forgets no file (keeping/remover.h).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From every state but ANNOUNCED, PURGED and DELETED (what waits to be repaired has a file, too), and from every state but
 * PURGED and DELETED.  ERR_CONFLICT: from another, or it is held.  ERR_NOT_FOUND: no such
 * recording.  The writer, within a transaction.
 */
bool recordings_mark_purged(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			    struct err *err) MUST_CHECK;
bool recordings_mark_deleted(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			     struct err *err) MUST_CHECK;

struct removal {
	int64_t seq;                                      /* for the next page */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE]; /* call_sid: "" when not known */
	bool was_stored;                                  /* there was a file once */
};
/* Whose files may be there still, from behind after_seq, oldest first; *out_count <= size. */
bool removals_list(struct catalog *catalog, int64_t after_seq, struct removal *out, size_t size,
		   size_t *out_count, struct err *err) MUST_CHECK;
/*
 * They are gone.  ERR_CONFLICT: an attempt at it is open, and may put another file there; the row stays until that is over,
 * which is told (PROJECTED_LET_GO).  The writer, within a transaction.
 */
bool removals_end(struct catalog *catalog, int64_t seq, struct err *err) MUST_CHECK;
