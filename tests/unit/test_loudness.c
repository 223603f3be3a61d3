#include "audio/loudness.h"

#include "base/mem.h"
#include "tap.h"

#include <math.h>
#include <string.h>

/* One stretch of a tone after the other; level in dBFS, as EBU Tech 3341 counts it: of the peak. */
struct stretch {
	double level, seconds;
};

/* A channel of a pair is 3.01 LU below what both are together. */
#define ONE_OF_TWO (-3.01)

static size_t hops;
static double last_hop[8];

static void hop(void *who, const double *mean_squares)
{
	hops++;
	memcpy(last_hop, mean_squares, sizeof(double) * *(const unsigned *)who);
}

/* In the first channel the stretches, in the others half as loud. */
static void feed(struct loudness *loudness, unsigned channels, unsigned rate, double hertz,
		 const struct stretch *stretches)
{
	float block[77 * 8];
	size_t at = 0;

	for (; stretches->seconds > 0; stretches++) {
		double peak = pow(10, stretches->level / 20);
		size_t end = at + (size_t)(stretches->seconds * rate);

		while (at < end) {
			size_t count = end - at < 77 ? end - at : 77;

			for (size_t i = 0; i < count; i++) {
				double sample =
					peak * sin(2 * M_PI * hertz * (double)(at + i) / rate);

				for (unsigned c = 0; c < channels; c++)
					block[i * channels + c] =
						(float)(c == 0 ? sample : sample / 2);
			}
			loudness_feed(loudness, block, count);
			at += count;
		}
	}
}

static const struct {
	const char *name;
	unsigned channels, rate;
	double hertz, want; /* NAN: none */
	struct stretch stretches[8];
} rows[] = {
	{ "Tech 3341, case 1", 2, 48000, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "case 2", 2, 48000, 1000, -33 + ONE_OF_TWO, { { -33, 20 } } },
	{ "case 3: what is 10 LU below does not count",
	  2,
	  48000,
	  1000,
	  -23 + ONE_OF_TWO,
	  { { -36, 10 }, { -23, 60 }, { -36, 10 } } },
	{ "case 4: nor what is below -70",
	  2,
	  48000,
	  1000,
	  -23 + ONE_OF_TWO,
	  { { -72, 10 }, { -36, 10 }, { -23, 60 }, { -36, 10 }, { -72, 10 } } },
	{ "case 5: louder and quieter, all of which counts",
	  2,
	  48000,
	  1000,
	  -23 + ONE_OF_TWO,
	  { { -26, 20 }, { -20, 20.1 }, { -26, 20 } } },
	{ "at a telephone's rate", 2, 8000, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "of one channel", 1, 8000, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "at 11,025 Hz", 1, 11025, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "at 22,050 Hz", 3, 22050, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "at 44,100 Hz", 8, 44100, 1000, -23 + ONE_OF_TWO, { { -23, 20 } } },
	{ "BS.1770: full scale at 997 Hz", 1, 48000, 997, -3.01, { { 0, 5 } } },
	{ "low notes weigh less: 40 Hz", 1, 48000, 40, -9.27, { { 0, 20 } } },
	{ "high ones more: 5 kHz", 1, 48000, 5000, 0.31, { { 0, 5 } } },
	{ "an offset is no sound", 1, 8000, 0, NAN, { { 0, 5 } } },
	{ "a block of 400 ms is the shortest", 1, 8000, 1000, -26.01, { { -23, 0.41 } } },
	{ "less has none", 1, 8000, 1000, NAN, { { -23, 0.39 } } },
	{ "digital silence has none", 1, 8000, 1000, NAN, { { -INFINITY, 5 } } },
	{ "what is below the gate has none", 1, 8000, 1000, NAN, { { -72, 5 } } },
	{ "a rate that lies", 1, 1, 0.25, NAN, { { -INFINITY, 5 } } },
};

static void test_row(size_t i)
{
	unsigned channels = rows[i].channels;
	AUTO(loudness_free)
	struct loudness *loudness = loudness_new(channels, rows[i].rate, hop, &channels);
	double lufs = NAN, second = NAN;

	hops = 0;
	feed(loudness, channels, rows[i].rate, rows[i].hertz, rows[i].stretches);
	if (isnan(rows[i].want)) {
		OK(!loudness_of(loudness, 0, &lufs), "%s", rows[i].name);
		return;
	}
	OK(loudness_of(loudness, 0, &lufs) && fabs(lufs - rows[i].want) <= 0.1, "%s: %.2f LUFS",
	   rows[i].name, lufs);
	if (channels > 1)
		OK(loudness_of(loudness, channels - 1, &second) && fabs(lufs - second - 6.02) < 0.1,
		   "%s: the last channel is half as loud: %.2f LUFS", rows[i].name, second);
}

static void test_hops(void)
{
	unsigned channels = 2;
	AUTO(loudness_free) struct loudness *loudness = loudness_new(2, 8000, hop, &channels);
	const struct stretch second[] = { { -20, 1 }, { 0, 0 } };

	hops = 0;
	feed(loudness, 2, 8000, 1000, second);
	IS_INT(loudness_hop_frames(8000), 200, "a hop is 25 ms");
	IS_INT(hops, 40, "of which a second has 40");
	OK(fabs(10 * log10(last_hop[0]) + 20 + 3.01 - 0.69) < 0.1, "its level: %.2f dB",
	   10 * log10(last_hop[0]));
	IS_INT(loudness_hop_frames(1), 100, "but never of fewer than 100 frames");
}

/* They would stay in the filters for ever. */
static void test_not_numbers(void)
{
	unsigned channels = 1;
	AUTO(loudness_free) struct loudness *loudness = loudness_new(1, 8000, hop, &channels);
	const float bad[] = { NAN, INFINITY, -INFINITY };
	const struct stretch tone[] = { { -23, 20 }, { 0, 0 } };
	double lufs = 0;

	loudness_feed(loudness, bad, ARRAY_LEN(bad));
	feed(loudness, 1, 8000, 1000, tone);
	OK(loudness_of(loudness, 0, &lufs) && fabs(lufs + 26.01) < 0.1,
	   "what is not a number is forgotten: %.2f LUFS", lufs);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		test_row(i);
	test_hops();
	test_not_numbers();
	return tap_end();
}
