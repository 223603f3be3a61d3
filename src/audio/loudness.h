/*
 * How loud sound is to the ear, by ITU-R BS.1770 (EBU R128, Tech 3341): K-weighting, blocks of 400 ms
 * that overlap by three quarters, a gate at -70 LUFS and one 10 LU below what passes it.  A channel by itself, as if
 * it were all of a mono file: full scale at 1 kHz is -3.0 LUFS.
 *
 * On the way it tells the level of each hop of some 25 ms (silence.h); K-weighting takes away what no
 * ear hears as sound, such as an offset of the line.
 *
 * Pure, one pass, constant memory.  Loudness is told to 0.1 LU: blocks are counted in bins of that width.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loudness;

/*
 * The level of a hop, of each channel: mean square of its K-weighted samples, 1 for full scale.  Called below
 * loudness_feed().
 */
typedef void loudness_hop(void *who, const double *mean_squares);

/* channels: at least 1.  A rate far below a telephone's is weighted as well as it can be. */
struct loudness *loudness_new(unsigned channels, unsigned sample_rate, loudness_hop *hop,
			      void *who);
void loudness_free(struct loudness *loudness); /* NULL does nothing */
DEFINE_AUTO(struct loudness *, loudness_free)
/* Frames of a hop. */
uint32_t loudness_hop_frames(unsigned sample_rate);
/* Samples from -1 to 1, channels interleaved; a hop in which one is not a number counts as silence. */
void loudness_feed(struct loudness *loudness, const float *samples, size_t frames);
/* So far, LUFS; false: nothing of the channel is above the gate, or it is shorter than a block. */
bool loudness_of(const struct loudness *loudness, unsigned channel, double *out);
