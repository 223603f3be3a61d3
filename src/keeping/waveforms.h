/*
 * Waveforms of stored media, computed behind (audio/waveform_make.h), each in a file beside its media under the same
 * name and generation.
 *
 * A recording is playable without one.  What the ledger says has none yet is decoded once nothing was stored for a
 * moment; a start goes on with what the last process left.  The file is there before the ledger says so, and is
 * removed with its media (blob_remove()).  Media that cannot be decoded is told of once and remembered; what cannot be read, or
 * written, is tried again.
 */
#pragma once

#include "keeping/sweep.h"

extern const struct sweep_table waveforms_table;
