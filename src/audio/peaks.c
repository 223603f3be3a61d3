#include "audio/peaks.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * Samples that are looked at side by side: lane k always holds the same channel where the number of channels divides
 * that of lanes.  Left to itself the compiler takes them one by one.
 */
#define LANES 4
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lane_bits __attribute__((vector_size(LANES * sizeof(int32_t))));

struct peaks *peaks_new(unsigned channels)
{
	struct peaks *peaks = xcalloc(1, sizeof(*peaks));

	assert(channels > 0 && channels <= PEAKS_CHANNELS_MAX);
	peaks->channels = channels;
	peaks->length = PEAKS_LENGTH_FIRST;
	peaks->pairs = xcalloc((size_t)PEAKS_MAX * channels, 2);
	return peaks;
}

void peaks_free(struct peaks *peaks)
{
	if (!peaks)
		return;
	free(peaks->pairs);
	free(peaks);
}

/* ---- 8 bits ---- */

static int8_t to_8_bits(float sample)
{
	float scaled = sample * 128;

	return scaled >= 127 ? 127 : scaled <= -128 ? -128 : (int8_t)scaled;
}

/* ---- fewer points ---- */

static void merge_channel(int8_t *to, const int8_t *from, unsigned channels, size_t count)
{
	int8_t low = from[0], high = from[1];

	for (size_t i = 1; i < count; i++) {
		const int8_t *pair = from + i * channels * 2;

		low = pair[0] < low ? pair[0] : low;
		high = pair[1] > high ? pair[1] : high;
	}
	to[0] = low;
	to[1] = high;
}

size_t peaks_merge(int8_t *pairs, unsigned channels, size_t count, size_t group)
{
	size_t width = 2 * (size_t)channels, merged = 0;

	for (size_t at = 0; at < count; at += group, merged++) {
		size_t here = count - at < group ? count - at : group;

		for (unsigned channel = 0; channel < channels; channel++)
			merge_channel(pairs + merged * width + 2 * channel,
				      pairs + at * width + 2 * channel, channels, here);
	}
	return merged;
}

/* ---- the point that is begun ---- */

static void take_lower(float *low, float sample)
{
	*low = sample < *low ? sample : *low;
}

static void take_higher(float *high, float sample)
{
	*high = sample > *high ? sample : *high;
}

/* From sample `from` on, which is of the first channel. */
static void scan_one_by_one(struct peaks *peaks, const float *samples, size_t from, size_t count)
{
	for (size_t i = from; i < count; i++) {
		size_t channel = (i - from) % peaks->channels;

		take_lower(&peaks->low[channel], samples[i]);
		take_higher(&peaks->high[channel], samples[i]);
	}
}

/* Those of `a` where a bit is set, else of `b`. */
static lanes choose(lane_bits which, lanes a, lanes b)
{
	return (lanes)(((lane_bits)a & which) | ((lane_bits)b & ~which));
}

/* Returns how many were looked at. */
static size_t scan_lanes(struct peaks *peaks, const float *samples, size_t count)
{
	lanes low, high, here;
	size_t i = 0;

	for (size_t lane = 0; lane < LANES; lane++) {
		low[lane] = peaks->low[lane % peaks->channels];
		high[lane] = peaks->high[lane % peaks->channels];
	}
	for (; i + LANES <= count; i += LANES) {
		memcpy(&here, samples + i, sizeof(here));
		low = choose(here < low, here, low);
		high = choose(here > high, here, high);
	}
	for (size_t lane = 0; lane < LANES; lane++) {
		take_lower(&peaks->low[lane % peaks->channels], low[lane]);
		take_higher(&peaks->high[lane % peaks->channels], high[lane]);
	}
	return i;
}

static void scan(struct peaks *peaks, const float *samples, size_t frames)
{
	size_t count = frames * peaks->channels, done = 0;

	if (LANES % peaks->channels == 0)
		done = scan_lanes(peaks, samples, count);
	scan_one_by_one(peaks, samples, done, count);
}

static void begin_point(struct peaks *peaks)
{
	for (unsigned channel = 0; channel < peaks->channels; channel++) {
		peaks->low[channel] = INFINITY;
		peaks->high[channel] = -INFINITY;
	}
}

/* One whose samples are all not numbers is flat. */
static void end_point(struct peaks *peaks)
{
	int8_t *pair = peaks->pairs + peaks->count * peaks->channels * 2;

	for (unsigned channel = 0; channel < peaks->channels; channel++, pair += 2) {
		bool is_empty = peaks->low[channel] > peaks->high[channel];

		pair[0] = is_empty ? 0 : to_8_bits(peaks->low[channel]);
		pair[1] = is_empty ? 0 : to_8_bits(peaks->high[channel]);
	}
	peaks->filled = 0;
	if (++peaks->count < PEAKS_MAX)
		return;
	peaks->count = peaks_merge(peaks->pairs, peaks->channels, peaks->count, 2);
	peaks->length *= 2;
}

void peaks_feed(struct peaks *peaks, const float *samples, size_t frames)
{
	while (frames > 0) {
		size_t here = peaks->length - peaks->filled;

		if (here > frames)
			here = frames;
		if (peaks->filled == 0)
			begin_point(peaks);
		scan(peaks, samples, here);
		peaks->filled += (uint32_t)here;
		samples += here * peaks->channels;
		frames -= here;
		if (peaks->filled == peaks->length)
			end_point(peaks);
	}
}

void peaks_end(struct peaks *peaks)
{
	if (peaks->filled > 0)
		end_point(peaks);
}
