/*
 * Makes the waveform of a file of sound: WAV or MP3, decoded by libsndfile.
 *
 * What the head of the file says of its length is not believed: it is read to its end.  Where decoding fails on the
 * way, what came before is taken.
 *
 * Blocks; some 4,000 times as fast as real time for MP3.  Memory: PEAKS_MAX points, and a byte for each 25 ms and
 * channel.
 */
#pragma once

#include "audio/waveform.h"

#include <stdatomic.h>

/*
 * The file is read through `fd`, whose offset it moves.  ERR_INVALID: it cannot be decoded, and never will be.
 * ERR_UNAVAILABLE: *is_stopping (NULL: never) was set.  ERR_INTERNAL: it cannot be read.
 */
bool waveform_make(int fd, const atomic_bool *is_stopping, struct waveform **out,
		   struct err *err) MUST_CHECK;
