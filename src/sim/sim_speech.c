#include "sim/sim_speech.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/sim_media.h"

/* One dialogue in its other forms; NULL until they are wanted. */
struct forms {
	int16_t *dual; /* samples, channels interleaved */
	int16_t *mono;
	size_t samples; /* of each channel */
	char *mono_mp3; /* frames of one size */
	size_t mono_mp3_len;
};

struct sim_speech {
	struct forms forms[SIM_DIALOGUES];
};

struct sim_speech *sim_speech_new(void)
{
	return xcalloc(1, sizeof(struct sim_speech));
}

void sim_speech_free(struct sim_speech *speech)
{
	if (!speech)
		return;
	for (size_t i = 0; i < SIM_DIALOGUES; i++) {
		free(speech->forms[i].dual);
		free(speech->forms[i].mono);
		free(speech->forms[i].mono_mp3);
	}
	free(speech);
}

/* The embedded frames are all as long as the first. */
static size_t frame_size(const char *frames)
{
	return sim_mp3_frame_size(frames, 4);
}

int64_t sim_dialogue_ms(unsigned dialogue)
{
	const struct sim_dialogue *d = &sim_dialogues[dialogue];

	return (d->end - d->at) / (int64_t)frame_size(d->at) * SIM_FRAME_SAMPLES * 1000 / SIM_RATE;
}

/* ---- libsndfile on memory ---- */

struct memory {
	char *at;
	size_t len, size, place;
};

static sf_count_t memory_len(void *user)
{
	return (sf_count_t)((struct memory *)user)->len;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
	struct memory *memory = user;
	sf_count_t from = whence == SEEK_SET   ? 0
			  : whence == SEEK_CUR ? (sf_count_t)memory->place
					       : (sf_count_t)memory->len;

	if (from + offset < 0)
		return -1;
	memory->place = (size_t)(from + offset);
	return from + offset;
}

static sf_count_t memory_read(void *to, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t left = memory->place < memory->len ? memory->len - memory->place : 0;
	size_t n = (size_t)count < left ? (size_t)count : left;

	memcpy(to, memory->at + memory->place, n);
	memory->place += n;
	return (sf_count_t)n;
}

static sf_count_t memory_write(const void *from, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t end = memory->place + (size_t)count;

	if (end > memory->size) {
		memory->size = end * 2;
		memory->at = xrealloc(memory->at, memory->size);
	}
	memcpy(memory->at + memory->place, from, (size_t)count);
	memory->place = end;
	if (end > memory->len)
		memory->len = end;
	return count;
}

static sf_count_t memory_tell(void *user)
{
	return (sf_count_t)((struct memory *)user)->place;
}

static SF_VIRTUAL_IO memory_io = { memory_len, memory_seek, memory_read, memory_write,
				   memory_tell };

/* ---- the other forms ---- */

static bool forms_decode(struct forms *forms, const struct sim_dialogue *dialogue, struct err *err)
{
	size_t len = (size_t)(dialogue->end - dialogue->at);
	size_t samples_max = len / frame_size(dialogue->at) * SIM_FRAME_SAMPLES;
	AUTO(free) char *copy = xmemdup0(dialogue->at, len);
	struct memory memory = { .at = copy, .len = len };
	SF_INFO info = { 0 };
	SNDFILE *file;
	sf_count_t samples;

	if (forms->dual)
		return true;
	file = sf_open_virtual(&memory_io, SFM_READ, &info, &memory);
	if (!file)
		return err_set(err, ERR_INTERNAL, "cannot decode speech: %s", sf_strerror(NULL));
	if (info.channels != 2) {
		sf_close(file);
		return err_set(err, ERR_INTERNAL, "speech must have two channels");
	}
	forms->dual = xcalloc(samples_max, 2 * sizeof(int16_t));
	samples = sf_readf_short(file, forms->dual, (sf_count_t)samples_max);
	sf_close(file);
	forms->samples = samples > 0 ? (size_t)samples : samples_max;
	forms->mono = xcalloc(forms->samples, sizeof(int16_t));
	for (size_t i = 0; i < forms->samples; i++)
		forms->mono[i] = (int16_t)((forms->dual[2 * i] + forms->dual[2 * i + 1]) / 2);
	return true;
}

/* Tags and the table frame in front are left out: only frames with sound are repeated. */
static bool forms_keep_frames(struct forms *forms, const char *at, size_t len)
{
	size_t start = sim_mp3_first_frame(at, len), size = 0;

	for (size_t next = start; next < len; next += size) {
		size_t here = sim_mp3_frame_size(at + next, len - next);

		if (here == 0 || (size > 0 && here != size) || here > len - next)
			break;
		size = here;
		forms->mono_mp3_len = next + here - start;
	}
	if (forms->mono_mp3_len == 0)
		return false;
	forms->mono_mp3 = xmemdup0(at + start, forms->mono_mp3_len);
	return true;
}

static bool forms_encode(struct forms *forms, struct err *err)
{
	struct memory memory = { 0 };
	SF_INFO info = { .samplerate = SIM_RATE,
			 .channels = 1,
			 .format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III };
	int mode = SF_BITRATE_MODE_CONSTANT;
	double compression = 0.7; /* of 8 to 64 kbit/s: 24 */
	SNDFILE *file;
	bool is_kept;

	if (forms->mono_mp3)
		return true;
	file = sf_open_virtual(&memory_io, SFM_WRITE, &info, &memory);
	if (!file)
		return err_set(err, ERR_INTERNAL, "cannot encode speech: %s", sf_strerror(NULL));
	sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof(mode));
	sf_command(file, SFC_SET_COMPRESSION_LEVEL, &compression, sizeof(compression));
	sf_writef_short(file, forms->mono, (sf_count_t)forms->samples);
	sf_close(file);
	is_kept = forms_keep_frames(forms, memory.at, memory.len);
	free(memory.at);
	return is_kept || err_set(err, ERR_INTERNAL, "cannot encode speech: no frames");
}

static int64_t frames_of(int64_t duration_ms)
{
	int64_t frames =
		(duration_ms * SIM_RATE / 1000 + SIM_FRAME_SAMPLES / 2) / SIM_FRAME_SAMPLES;

	return frames > 0 ? frames : 1;
}

bool sim_media_open(struct sim_speech *speech, const struct sim_media *media, int *out_fd,
		    uint64_t *out_size, struct err *err)
{
	const struct sim_dialogue *dialogue = &sim_dialogues[media->dialogue];
	struct forms *forms = &speech->forms[media->dialogue];
	uint64_t frames = (uint64_t)frames_of(media->duration_ms);
	struct sim_pattern pattern;

	if (!media->is_wav && media->channels == 2) {
		pattern.at = dialogue->at;
		pattern.len = (size_t)(dialogue->end - dialogue->at);
		return sim_media_write_mp3(media->recording_sid, &pattern,
					   frames * frame_size(dialogue->at), out_fd, out_size,
					   err);
	}
	if (!forms_decode(forms, dialogue, err))
		return false;
	if (media->is_wav) {
		pattern.at = (const char *)(media->channels == 2 ? forms->dual : forms->mono);
		pattern.len = forms->samples * media->channels * sizeof(int16_t);
		return sim_media_write_wav(media->recording_sid, &pattern, media->channels,
					   frames * SIM_FRAME_SAMPLES * media->channels *
						   sizeof(int16_t),
					   out_fd, out_size, err);
	}
	if (!forms_encode(forms, err))
		return false;
	pattern.at = forms->mono_mp3;
	pattern.len = forms->mono_mp3_len;
	return sim_media_write_mp3(media->recording_sid, &pattern,
				   frames * frame_size(forms->mono_mp3), out_fd, out_size, err);
}
