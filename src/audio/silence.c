#include "audio/silence.h"

#include "base/compiler.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* All in dB below full scale: the larger, the quieter. */
#define LEVEL_NOTHING 127 /* digital silence, and what is as good as that */
#define NOISE_PART    10  /* of the hops that are not digitally still, so many a hundred */
#define ABOVE_NOISE   8
#define QUIETEST      60
#define LOUDEST       45
#define ROOM_FIRST    4096

struct levels *levels_new(unsigned channels)
{
	struct levels *levels = xcalloc(1, sizeof(*levels));

	levels->channels = channels;
	return levels;
}

void levels_free(struct levels *levels)
{
	if (!levels)
		return;
	free(levels->at);
	free(levels);
}

static uint8_t level_of(double mean_square)
{
	double below = mean_square > 0 ? -10.0 * log10(mean_square) : LEVEL_NOTHING;

	return below >= LEVEL_NOTHING ? LEVEL_NOTHING : below <= 0 ? 0 : (uint8_t)lround(below);
}

void levels_add(struct levels *levels, const double *mean_squares)
{
	if (levels->count == SILENCE_HOPS_MAX)
		return;
	if (levels->count == levels->room) {
		levels->room = levels->room > 0 ? 2 * levels->room : ROOM_FIRST;
		levels->at = xrealloc(levels->at, levels->room * levels->channels);
	}
	for (unsigned c = 0; c < levels->channels; c++)
		levels->at[levels->count * levels->channels + c] = level_of(mean_squares[c]);
	levels->count++;
}

/* ---- thresholds ---- */

/* The quietest level of which, with all that are quieter, there is a tenth. */
static unsigned noise_of(const size_t counts[LEVEL_NOTHING], size_t all)
{
	size_t quieter = 0;
	unsigned level = LEVEL_NOTHING;

	while (level > 0 && quieter * 100 < all * NOISE_PART)
		quieter += counts[--level];
	return level;
}

unsigned silence_threshold(const struct levels *levels, unsigned channel)
{
	size_t counts[LEVEL_NOTHING] = { 0 }, all = 0;
	unsigned noise;

	for (size_t i = channel; i < levels->count * levels->channels; i += levels->channels) {
		if (levels->at[i] == LEVEL_NOTHING)
			continue;
		counts[levels->at[i]]++;
		all++;
	}
	if (all == 0)
		return QUIETEST;
	noise = noise_of(counts, all);
	if (noise < LOUDEST + ABOVE_NOISE)
		return LOUDEST;
	return noise - ABOVE_NOISE < QUIETEST ? noise - ABOVE_NOISE : QUIETEST;
}

/* ---- stretches ---- */

struct found {
	struct silence *at;
	size_t count, room;
};

static void add_silence(struct found *found, double hop_ms, size_t first, size_t end)
{
	struct silence one = { (uint32_t)llround((double)first * hop_ms),
			       (uint32_t)llround((double)end * hop_ms) };

	if (one.to_ms - one.from_ms < SILENCE_MIN_MS || found->count == SILENCES_MAX)
		return;
	if (found->count == found->room) {
		found->room = found->room > 0 ? 2 * found->room : 64;
		found->at = xrealloc(found->at, found->room * sizeof(*found->at));
	}
	found->at[found->count++] = one;
}

static bool is_silent(const uint8_t *hop, const unsigned *thresholds, unsigned channels)
{
	for (unsigned c = 0; c < channels; c++)
		if (hop[c] < thresholds[c])
			return false;
	return true;
}

size_t silence_find(const struct levels *levels, double hop_ms, struct silence **out)
{
	AUTO(free) unsigned *thresholds = xcalloc(levels->channels, sizeof(*thresholds));
	struct found found = { 0 };
	size_t first = 0;

	for (unsigned c = 0; c < levels->channels; c++)
		thresholds[c] = silence_threshold(levels, c);
	for (size_t i = 0; i < levels->count; i++) {
		if (is_silent(levels->at + i * levels->channels, thresholds, levels->channels))
			continue;
		add_silence(&found, hop_ms, first, i);
		first = i + 1;
	}
	add_silence(&found, hop_ms, first, levels->count);
	*out = found.at;
	return found.count;
}
