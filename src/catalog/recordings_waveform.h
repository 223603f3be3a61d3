/*
 * The waveforms of stored media: a picture of its loudness over time, in a file beside it (keeping/waveforms.h).
 * A recording is stored without one, and what is still without is found by an index of its own, so that a restart goes
 * on from there.  To have all computed anew (a new format of the file), a step of the schema sets the column to 0.
 */
#pragma once

#include "catalog/catalog.h"
#include "catalog/recording_file.h"
#include "catalog/recordings.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Stored recordings whose waveform is PENDING, the one that changed last at the end, from behind after_seq;
 * *out_count <= size.  What is stored later is behind all that was listed before.
 */
bool recordings_without_waveform(struct catalog *catalog, int64_t after_seq,
				 struct recording_file *out, size_t size, size_t *out_count,
				 struct err *err) MUST_CHECK;

/* The same, the one that changed last at the beginning, from before before_seq. */
bool recordings_without_waveform_newest(struct catalog *catalog, int64_t before_seq,
					struct recording_file *out, size_t size, size_t *out_count,
					struct err *err) MUST_CHECK;

/*
 * The writer, within a transaction.  Its call changes, too: a list shows whether there is one.  ERR_CONFLICT: it is not
 * stored any more, or in another generation; nothing is changed.
 */
bool recordings_set_waveform(struct catalog *catalog, struct str recording_sid, int64_t generation,
			     enum recording_waveform waveform, struct err *err) MUST_CHECK;
