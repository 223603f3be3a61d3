/*
 * Waveforms of stored media, computed behind (audio/waveform_make.h), each in a file beside its media under the same
 * name and generation.
 *
 * Two sweeps take turns, so that after an upgrade or an import, which may leave hours of work, a call that ends now does not
 * wait for it.
 *
 * A recording is playable without one.  What the ledger says has none yet is decoded once nothing was stored for a
 * moment.  The file is there before the ledger says so, and is
 * removed with its media (blob_remove()).  Media that cannot be decoded is told of once and remembered; what cannot be read, or
 * written, is tried again.
 */
#pragma once

#include "keeping/sweep.h"

extern const struct sweep_table
	waveforms_table; /* of what is stored from the start on, as it comes */
extern const struct sweep_table
	waveforms_backlog_table; /* of what the last process left, the newest first */
