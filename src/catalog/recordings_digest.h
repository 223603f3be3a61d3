/*
 * The digests of stored media: the SHA-256 of its bytes, which verify compares and players are
 * sent.  A recording is stored without one; it is computed behind (keeping/digests.h), and what
 * is still without is found by an index of its own, so that a restart goes on from there.
 */
#pragma once

#include "catalog/catalog.h"
#include "catalog/recording_file.h"
#include "catalog/recordings.h"

#include <stddef.h>

/*
 * Stored recordings without a digest, the one that changed last at the end, from behind after_seq;
 * *out_count <= size.  What is stored later is behind all that was listed before.
 */
bool recordings_undigested(struct catalog *catalog, int64_t after_seq, struct recording_file *out,
			   size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/*
 * The writer, within a transaction.  sha256: 64 digits, lower case.  ERR_CONFLICT: it is not
 * stored any more, or in another generation; nothing is changed.  Its call's changed_seq stays:
 * no list shows a digest.
 */
bool recordings_set_digest(struct catalog *catalog, struct str recording_sid, int64_t generation,
			   const char *sha256, struct err *err) MUST_CHECK;
