#include "audio/peaks.h"

#include "base/mem.h"
#include "tap.h"

#include <math.h>
#include <string.h>

#define MANY (3 * PEAKS_MAX * PEAKS_LENGTH_FIRST + 777) /* frames: the points are used up twice */

static uint32_t seed = 1;

/* From -1 to 1. */
static float any_sample(void)
{
	seed = seed * 1664525 + 1013904223;
	return (float)(seed >> 8) / (1 << 23) - 1;
}

static float *make_samples(size_t count)
{
	float *samples = xcalloc(count, sizeof(*samples));

	for (size_t i = 0; i < count; i++)
		samples[i] = any_sample() * any_sample();
	return samples;
}

/* One sample after the other, as audiowaveform's format means it. */
static int in_8_bits(float sample)
{
	int scaled = (int)(sample * 32768) / 256;

	return scaled > 127 ? 127 : scaled;
}

static bool is_point(const struct peaks *peaks, const float *samples, size_t frames, size_t point)
{
	size_t first = point * peaks->length, end = first + peaks->length;

	for (unsigned c = 0; c < peaks->channels; c++) {
		const int8_t *pair = peaks->pairs + (point * peaks->channels + c) * 2;
		int low = 127, high = -128;

		for (size_t i = first; i < end && i < frames; i++) {
			int sample = in_8_bits(samples[i * peaks->channels + c]);

			low = sample < low ? sample : low;
			high = sample > high ? sample : high;
		}
		if (pair[0] != low || pair[1] != high)
			return false;
	}
	return true;
}

/* Fed in pieces of any size. */
static struct peaks *feed(unsigned channels, const float *samples, size_t frames)
{
	struct peaks *peaks = peaks_new(channels);

	for (size_t at = 0, here; at < frames; at += here) {
		seed = seed * 1664525 + 1013904223;
		here = seed >> 20;
		if (here > frames - at)
			here = frames - at;
		peaks_feed(peaks, samples + at * channels, here);
	}
	peaks_end(peaks);
	return peaks;
}

static void test_all_points(void)
{
	static const struct {
		unsigned channels;
		size_t frames;
		uint32_t length;
	} rows[] = {
		{ 1, 1, PEAKS_LENGTH_FIRST },
		{ 1, PEAKS_LENGTH_FIRST, PEAKS_LENGTH_FIRST },
		{ 2, PEAKS_LENGTH_FIRST + 1, PEAKS_LENGTH_FIRST },
		{ 3, 10000, PEAKS_LENGTH_FIRST },
		{ 8, 10000, PEAKS_LENGTH_FIRST },
		{ 1, PEAKS_MAX * PEAKS_LENGTH_FIRST - 1, 2 * PEAKS_LENGTH_FIRST },
		{ 2, PEAKS_MAX * PEAKS_LENGTH_FIRST, 2 * PEAKS_LENGTH_FIRST },
		{ 1, MANY, 4 * PEAKS_LENGTH_FIRST },
		{ 2, MANY, 4 * PEAKS_LENGTH_FIRST },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(free) float *samples = make_samples(rows[i].frames * rows[i].channels);
		AUTO(peaks_free)
		struct peaks *peaks = feed(rows[i].channels, samples, rows[i].frames);
		size_t wrong = 0;

		IS_INT(peaks->length, rows[i].length, "row %zu: frames a point", i);
		IS_INT(peaks->count, (rows[i].frames + peaks->length - 1) / peaks->length,
		       "row %zu: as many points as it takes", i);
		for (size_t point = 0; point < peaks->count; point++)
			wrong += !is_point(peaks, samples, rows[i].frames, point);
		IS_INT(wrong, 0, "row %zu: each holds the extremes of its frames", i);
	}
}

static void test_8_bits(void)
{
	static const struct {
		float low, high;
		int want_low, want_high;
		const char *name;
	} rows[] = {
		{ 0, 0, 0, 0, "nothing" },
		{ -1, 1, -128, 127, "full scale" },
		{ -3, 7, -128, 127, "beyond it" },
		{ -255 / 32768.0F, 255 / 32768.0F, 0, 0, "rounded towards zero" },
		{ -256 / 32768.0F, 256 / 32768.0F, -1, 1, "the first step" },
		{ -INFINITY, INFINITY, -128, 127, "without end" },
		{ NAN, 0.5F, 64, 64, "what is not a number does not count" },
		{ NAN, NAN, 0, 0, "nothing but that is flat" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const float samples[] = { rows[i].low, rows[i].high };
		AUTO(peaks_free) struct peaks *peaks = feed(1, samples, 2);

		IS_INT(peaks->pairs[0], rows[i].want_low, "%s: low", rows[i].name);
		IS_INT(peaks->pairs[1], rows[i].want_high, "%s: high", rows[i].name);
	}
}

static void test_nothing(void)
{
	AUTO(peaks_free) struct peaks *peaks = feed(2, NULL, 0);

	IS_INT(peaks->count, 0, "of no sound there are no points");
}

static void test_merge(void)
{
	int8_t pairs[] = {
		-1, 1, -9, 9, -2, 5, -8, 3, -7, 0, 0, 2
	}; /* two channels, three points */
	const int8_t want[] = { -2, 5, -9, 9, -7, 0, 0, 2 };

	IS_INT(peaks_merge(pairs, 2, 3, 2), 2, "three by two are two");
	OK(memcmp(pairs, want, sizeof(want)) == 0, "each channel by itself, the last alone");
	IS_INT(peaks_merge(pairs, 2, 2, 100), 1, "more than there are: one");
	OK(pairs[0] == -7 && pairs[1] == 5 && pairs[2] == -9 && pairs[3] == 9, "of all");
}

int main(void)
{
	test_all_points();
	test_8_bits();
	test_nothing();
	test_merge();
	return tap_end();
}
