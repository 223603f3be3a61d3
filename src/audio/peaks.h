/*
 * The lowest and the highest sample of each stretch of sound, a channel: what a waveform is drawn from.
 *
 * However long the sound is, there are at most PEAKS_MAX points: when they are used up, each two become one of twice
 * the length.  So points always begin at a multiple of their length, and hold what they would if it had been that
 * long from the start.
 *
 * Samples are kept in 8 bits as audiowaveform does it: of 16 bits by division by 256, which rounds towards zero.
 * That division keeps the order, so that taking the extremes before or after it is the same.
 *
 * Pure.  Constant memory.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>

#define PEAKS_MAX          16384
#define PEAKS_LENGTH_FIRST 64 /* frames a point, to begin with: 8 ms of a telephone's 8 kHz */
#define PEAKS_CHANNELS_MAX 8

struct peaks {
	unsigned channels;
	uint32_t length; /* frames a point */
	size_t count;    /* of points; the last may be shorter, after peaks_end() */
	/* Of each point, of each channel: min, max. */
	int8_t *pairs;

	uint32_t filled; /* internal: frames of the point that is begun */
	float low[PEAKS_CHANNELS_MAX], high[PEAKS_CHANNELS_MAX]; /* internal: its extremes */
};

struct peaks *peaks_new(unsigned channels);
void peaks_free(struct peaks *peaks); /* NULL does nothing */
DEFINE_AUTO(struct peaks *, peaks_free)
/* Samples from -1 to 1, channels interleaved; beyond that they are cut, and what is not a number does not count. */
void peaks_feed(struct peaks *peaks, const float *samples, size_t frames);
/* No more comes. */
void peaks_end(struct peaks *peaks);

/*
 * Each `group` points become one; the last one of fewer.  Within `pairs`, of `count` points; returns how many are
 * left.
 */
size_t peaks_merge(int8_t *pairs, unsigned channels, size_t count, size_t group);
