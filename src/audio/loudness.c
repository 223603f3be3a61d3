#include "audio/loudness.h"

#include "base/compiler.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define HOPS_A_SECOND  40
#define HOP_FRAMES_MIN 100 /* a rate that lies costs no memory of who keeps the levels */
#define STEP_HOPS      4   /* a block begins each 100 ms ... */
#define BLOCK_STEPS    4   /* ... and lasts 400 */

#define OFFSET      (-0.691) /* BS.1770-4, annex 1, formula (2) */
#define GATE        (-70.0)  /* LUFS */
#define RELATIVE_LU 10.0
#define BINS        900 /* of 0.1 LU, from the gate on: to +20 LUFS */
#define BINS_LU     10

/* Both filters of two channels, side by side: the shelf of each in the first half, the high-pass in the second. */
typedef float quad __attribute__((vector_size(16)));

/* One after the other: a shelf for the head, a high-pass for the low ones (BS.1770-4, annex 1, figures 2 and 4). */
struct weighting {
	quad b0, b1, b2, a1, a2;
};

/* Of two channels: what the filters remember, the last and the one before. */
struct memory {
	quad in1, in2, out1, out2;
};

struct channel {
	double steps[BLOCK_STEPS]; /* sums of mean squares of hops, the last of them at step_at */
	uint64_t counts[BINS];
	double sums[BINS];
};

struct loudness {
	unsigned channels, pairs;
	uint32_t hop_frames, filled; /* filled: of the hop that is begun */
	struct weighting weighting;
	struct memory *memories; /* a pair of channels */
	quad *sums;              /* the same: of the hop that is begun */
	double *mean_squares;    /* a channel: of the hop that has ended */
	struct channel *of;
	unsigned hops, step_at; /* hops: of the step that is begun */
	uint64_t steps;         /* that have begun */
	loudness_hop *hop;
	void *who;
};

/* ---- K-weighting ---- */

static quad both(double shelf, double high_pass)
{
	return (quad){ (float)shelf, (float)shelf, (float)high_pass, (float)high_pass };
}

/*
 * The standard has coefficients for 48 kHz alone.  Those of other rates are made from the filters that they stand for,
 * by the bilinear transform (as libebur128 does, whose constants these are: they give back the standard's).
 */
static void design(struct weighting *w, double rate)
{
	double k = tan(M_PI * fmin(1681.974450955533 / rate, 0.45));
	double q = 0.7071752369554196, high = pow(10.0, 3.999843853973347 / 20.0);
	double band = pow(high, 0.4996667741545416), a0 = 1.0 + k / q + k * k;
	double l = tan(M_PI * fmin(38.13547087602444 / rate, 0.45));
	double p = 0.5003270373238773, c0 = 1.0 + l / p + l * l;

	w->b0 = both((high + band * k / q + k * k) / a0, 1.0);
	w->b1 = both(2.0 * (k * k - high) / a0, -2.0);
	w->b2 = both((high - band * k / q + k * k) / a0, 1.0);
	w->a1 = both(2.0 * (k * k - 1.0) / a0, 2.0 * (l * l - 1.0) / c0);
	w->a2 = both((1.0 - k / q + k * k) / a0, (1.0 - l / p + l * l) / c0);
}

/*
 * The sum of squares behind both filters, in the second half, of channels `a` and `b`.
 *
 * The high-pass takes what the shelf gave two samples ago, so that a step needs of the one before only what is
 * multiplied by a1: a sample waits for two operations instead of five, and the sound is two samples late,
 * which no level shows.
 */
static quad weigh(const struct weighting *w, struct memory *memory, const float *samples,
		  size_t frames, size_t channels, size_t a, size_t b)
{
	struct memory m = *memory;
	quad sum = { 0 };

	for (size_t i = 0; i < frames; i++, samples += channels) {
		quad two = { samples[a], samples[b] };
		quad in = __builtin_shufflevector(two, m.out2, 0, 1, 4, 5);
		quad out = (w->b0 * in + w->b1 * m.in1 + w->b2 * m.in2 - w->a2 * m.out2) -
			   w->a1 * m.out1;

		m.in2 = m.in1;
		m.in1 = in;
		m.out2 = m.out1;
		m.out1 = out;
		sum += out * out;
	}
	*memory = m;
	return sum;
}

/* ---- blocks ---- */

static double lufs_of(double mean_square)
{
	return OFFSET + 10.0 * log10(mean_square);
}

static void count_block(struct channel *channel)
{
	double mean_square = 0, lufs;
	int bin;

	for (unsigned i = 0; i < BLOCK_STEPS; i++)
		mean_square += channel->steps[i];
	mean_square /= BLOCK_STEPS * STEP_HOPS;
	lufs = mean_square > 0 ? lufs_of(mean_square) : -INFINITY;
	if (!(lufs > GATE))
		return;
	bin = (int)fmin((lufs - GATE) * BINS_LU, BINS - 1);
	channel->counts[bin]++;
	channel->sums[bin] += mean_square;
}

/* The hop's levels are in mean_squares. */
static void add_hop(struct loudness *loudness)
{
	if (loudness->hops == 0) {
		loudness->step_at = (unsigned)(loudness->steps++ % BLOCK_STEPS);
		for (unsigned c = 0; c < loudness->channels; c++)
			loudness->of[c].steps[loudness->step_at] = 0;
	}
	for (unsigned c = 0; c < loudness->channels; c++)
		loudness->of[c].steps[loudness->step_at] += loudness->mean_squares[c];
	if (++loudness->hops < STEP_HOPS)
		return;
	loudness->hops = 0;
	for (unsigned c = 0; c < loudness->channels && loudness->steps >= BLOCK_STEPS; c++)
		count_block(&loudness->of[c]);
}

/* ---- hops ---- */

/*
 * Behind the last sound a filter's memory halves again and again, and once it is denormal each sample takes
 * a hundred times as long.  An infinite one stays so.
 */
static void settle(struct memory *memory)
{
	quad *const all[] = { &memory->in1, &memory->in2, &memory->out1, &memory->out2 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (int lane = 0; lane < 4; lane++)
			if (!isfinite((*all[i])[lane]) || fabsf((*all[i])[lane]) < 1e-15F)
				(*all[i])[lane] = 0;
}

static void end_hop(struct loudness *loudness)
{
	for (unsigned c = 0; c < loudness->channels; c++) {
		double sum = (double)loudness->sums[c / 2][2 + c % 2];

		loudness->mean_squares[c] = isfinite(sum) ? sum / loudness->hop_frames : 0;
	}
	for (unsigned p = 0; p < loudness->pairs; p++) {
		settle(&loudness->memories[p]);
		loudness->sums[p] = (quad){ 0 };
	}
	loudness->filled = 0;
	if (loudness->hop)
		loudness->hop(loudness->who, loudness->mean_squares);
	add_hop(loudness);
}

void loudness_feed(struct loudness *loudness, const float *samples, size_t frames)
{
	size_t channels = loudness->channels;

	while (frames > 0) {
		size_t here = loudness->hop_frames - loudness->filled;

		if (here > frames)
			here = frames;
		for (size_t p = 0; p < loudness->pairs; p++) {
			size_t a = 2 * p, b = a + 1 < channels ? a + 1 : a;

			loudness->sums[p] += weigh(&loudness->weighting, &loudness->memories[p],
						   samples, here, channels, a, b);
		}
		loudness->filled += (uint32_t)here;
		samples += here * channels;
		frames -= here;
		if (loudness->filled == loudness->hop_frames)
			end_hop(loudness);
	}
}

/* ---- the gates ---- */

/* Of the blocks from a class on; 0 when there are none. */
static double mean_from(const struct channel *channel, int first)
{
	uint64_t count = 0;
	double sum = 0;

	for (int bin = first; bin < BINS; bin++) {
		count += channel->counts[bin];
		sum += channel->sums[bin];
	}
	return count > 0 ? sum / (double)count : 0;
}

bool loudness_of(const struct loudness *loudness, unsigned channel, double *out)
{
	const struct channel *of = &loudness->of[channel];
	double ungated = mean_from(of, 0);
	int first;

	if (ungated <= 0)
		return false;
	first = (int)((lufs_of(ungated) - RELATIVE_LU - GATE) * BINS_LU);
	*out = lufs_of(mean_from(of, first > 0 ? first : 0));
	return true;
}

/* ---- life cycle ---- */

uint32_t loudness_hop_frames(unsigned sample_rate)
{
	uint32_t frames = sample_rate / HOPS_A_SECOND;

	return frames > HOP_FRAMES_MIN ? frames : HOP_FRAMES_MIN;
}

struct loudness *loudness_new(unsigned channels, unsigned sample_rate, loudness_hop *hop, void *who)
{
	struct loudness *loudness = xcalloc(1, sizeof(*loudness));

	assert(channels > 0);
	loudness->channels = channels;
	loudness->pairs = (channels + 1) / 2;
	loudness->hop_frames = loudness_hop_frames(sample_rate);
	design(&loudness->weighting, sample_rate > 0 ? sample_rate : 1);
	loudness->memories = xcalloc(loudness->pairs, sizeof(struct memory));
	loudness->sums = xcalloc(loudness->pairs, sizeof(quad));
	loudness->mean_squares = xcalloc(channels, sizeof(double));
	loudness->of = xcalloc(channels, sizeof(struct channel));
	loudness->hop = hop;
	loudness->who = who;
	return loudness;
}

void loudness_free(struct loudness *loudness)
{
	if (!loudness)
		return;
	free(loudness->memories);
	free(loudness->sums);
	free(loudness->mean_squares);
	free(loudness->of);
	free(loudness);
}
