/*
 * Where nobody speaks: stretches of at least SILENCE_MIN_MS in which all channels are silent.
 *
 * A channel is silent where its level is below a threshold of its own: 8 dB above the line's noise, which is
 * the level that a tenth of it stays below, but never below -60 nor above -45 dB.  Idle telephone lines and comfort
 * noise lie between -75 and -55 dB, speech at -26 (ITU-T P.56 means it to), a quiet speaker's at -45; noise fluctuates
 * by a few dB from hop to hop.  The lower bound lets a line that is digitally still have its comfort noise, the upper
 * one keeps music and quiet speakers from being skipped.  Digital silence is not counted as noise: it would hide
 * the noise of the rest.
 *
 * Levels are those of loudness.h, hop by hop.  Pure.  A byte a hop and channel: 1.2 MB for four hours of two.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>

#define SILENCE_MIN_MS   1200
#define SILENCES_MAX     32768     /* what is behind so many is not told of */
#define SILENCE_HOPS_MAX (1 << 22) /* the same: 29 hours */

struct silence {
	uint32_t from_ms, to_ms;
};

struct levels {
	unsigned channels;
	size_t count, room; /* hops */
	uint8_t *at;        /* of each hop, of each channel: so many dB below full scale */
};

struct levels *levels_new(unsigned channels);
void levels_free(struct levels *levels); /* NULL does nothing */
DEFINE_AUTO(struct levels *, levels_free)
/* A hop: the mean square of each channel. */
void levels_add(struct levels *levels, const double *mean_squares);

/* How loud a channel may be where it is silent: so many dB below full scale. */
unsigned silence_threshold(const struct levels *levels, unsigned channel);
/*
 * hop_ms: of one hop, which need not be whole.  *out: the caller's to free, in order of time; returns how many.
 */
size_t silence_find(const struct levels *levels, double hop_ms, struct silence **out);
