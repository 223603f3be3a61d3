#include "audio/waveform_make.h"

#include "audio/loudness.h"
#include "base/mem.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#define BLOCK_FRAMES 4096

/* Everything that looks at the samples as they pass. */
struct making {
	SNDFILE *file;
	SF_INFO info;
	struct peaks *peaks;
	struct loudness *loudness;
	struct levels *levels;
	float *samples; /* BLOCK_FRAMES */
	uint64_t frames;
};

static void making_release(struct making *making)
{
	if (making->file)
		sf_close(making->file);
	peaks_free(making->peaks);
	loudness_free(making->loudness);
	levels_free(making->levels);
	free(making->samples);
}

static void hop_ended(void *who, const double *mean_squares)
{
	levels_add(((struct making *)who)->levels, mean_squares);
}

/* libsndfile knows many formats, each with a reader of its own: those that we never store are not for it to try. */
static bool is_ours(const SF_INFO *info)
{
	int type = info->format & SF_FORMAT_TYPEMASK;

	return type == SF_FORMAT_WAV || type == SF_FORMAT_WAVEX || type == SF_FORMAT_RF64 ||
	       type == SF_FORMAT_MPEG;
}

static bool making_begin(struct making *making, int fd, struct err *err)
{
	unsigned channels, rate;

	making->file = sf_open_fd(fd, SFM_READ, &making->info, SF_FALSE);
	if (!making->file)
		return err_set(err, sf_error(NULL) == SF_ERR_SYSTEM ? ERR_INTERNAL : ERR_INVALID,
			       "cannot decode it: %s", sf_strerror(NULL));
	if (!is_ours(&making->info))
		return err_set(err, ERR_INVALID, "it is neither WAV nor MP3");
	if (making->info.samplerate <= 0 || making->info.channels <= 0 ||
	    making->info.channels > PEAKS_CHANNELS_MAX)
		return err_set(err, ERR_INVALID, "it has %d channels of %d Hz",
			       making->info.channels, making->info.samplerate);
	channels = (unsigned)making->info.channels;
	rate = (unsigned)making->info.samplerate;
	making->peaks = peaks_new(channels);
	making->loudness = loudness_new(channels, rate, hop_ended, making);
	making->levels = levels_new(channels);
	making->samples = xcalloc((size_t)BLOCK_FRAMES * channels, sizeof(float));
	return true;
}

static bool making_run(struct making *making, const atomic_bool *is_stopping, struct err *err)
{
	sf_count_t got;

	for (;;) {
		if (is_stopping && *is_stopping)
			return err_set(err, ERR_UNAVAILABLE, "not decoded to its end: we stop");
		got = sf_readf_float(making->file, making->samples, BLOCK_FRAMES);
		if (got <= 0)
			break;
		peaks_feed(making->peaks, making->samples, (size_t)got);
		loudness_feed(making->loudness, making->samples, (size_t)got);
		making->frames += (uint64_t)got;
	}
	peaks_end(making->peaks);
	if (sf_error(making->file) == SF_ERR_SYSTEM)
		return err_set(err, ERR_INTERNAL, "cannot read it: %s", sf_strerror(making->file));
	return making->frames > 0 || sf_error(making->file) == SF_ERR_NO_ERROR ||
	       err_set(err, ERR_INVALID, "cannot decode it: %s", sf_strerror(making->file));
}

static struct waveform *making_end(struct making *making)
{
	struct waveform *waveform = xcalloc(1, sizeof(*waveform));
	double hop_ms = 1000.0 * loudness_hop_frames((unsigned)making->info.samplerate) /
			making->info.samplerate;
	double lufs;

	waveform->channels = making->peaks->channels;
	waveform->sample_rate = (uint32_t)making->info.samplerate;
	waveform->frames = making->frames;
	waveform->length = making->peaks->length;
	waveform->count = making->peaks->count;
	waveform->pairs = TAKE(making->peaks->pairs);
	for (unsigned c = 0; c < PEAKS_CHANNELS_MAX; c++)
		waveform->loudness[c] = c < waveform->channels &&
							loudness_of(making->loudness, c, &lufs)
						? (int16_t)lround(lufs * 100)
						: WAVEFORM_NO_LOUDNESS;
	waveform->silence_count = silence_find(making->levels, hop_ms, &waveform->silences);
	return waveform;
}

bool waveform_make(int fd, const atomic_bool *is_stopping, struct waveform **out, struct err *err)
{
	struct making making = { 0 };
	bool is_made = making_begin(&making, fd, err) && making_run(&making, is_stopping, err);

	if (is_made)
		*out = making_end(&making);
	making_release(&making);
	return is_made;
}
