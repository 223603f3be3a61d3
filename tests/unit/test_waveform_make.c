#include "audio/waveform_make.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static void add_little(struct buf *out, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_add_byte(out, (char)(uint8_t)(value >> 8 * i));
}

struct wav {
	unsigned channels, rate, frames;
	uint32_t told;  /* the size of its data as the head has it */
	uint16_t codec; /* 1: PCM of 16 bits, 3: floats */
};

/* Channel c of frame i. */
static float sample_of(const struct wav *wav, unsigned i, unsigned c)
{
	float second = (float)i / (float)wav->rate;

	return sinf(second * (float)(c + 1) * 440 * 6.2831853F) * (second < 1 ? 0.5F : 0);
}

static void add_samples(struct buf *out, const struct wav *wav)
{
	for (unsigned i = 0; i < wav->frames * wav->channels; i++) {
		float sample = sample_of(wav, i / wav->channels, i % wav->channels);
		uint32_t bits;

		memcpy(&bits, &sample, sizeof(bits));
		if (wav->codec == 1)
			add_little(out, (uint16_t)(int16_t)(sample * 32767), 2);
		else
			add_little(out, bits, 4);
	}
}

/* An unlinked file. */
static int make_file(const void *bytes, size_t len)
{
	char path[] = "/tmp/callspool-test.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) < 0 || write(fd, bytes, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		printf("Bail out! no file\n");
		exit(1);
	}
	return fd;
}

static int make_wav(const struct wav *wav)
{
	AUTO(buf_release) struct buf file;
	unsigned width = wav->codec == 1 ? 2 : 4;

	buf_init(&file, 1 << 26);
	buf_add(&file, "RIFF", 4);
	add_little(&file, wav->told == 0xffffffff ? wav->told : wav->told + 36, 4);
	buf_add(&file, "WAVEfmt ", 8);
	add_little(&file, 16, 4);
	add_little(&file, wav->codec, 2);
	add_little(&file, wav->channels, 2);
	add_little(&file, wav->rate, 4);
	add_little(&file, wav->rate * wav->channels * width, 4);
	add_little(&file, wav->channels * width, 2);
	add_little(&file, width * 8, 2);
	buf_add(&file, "data", 4);
	add_little(&file, wav->told, 4);
	add_samples(&file, wav);
	return make_file(file.at, file.len);
}

static void test_heads(void)
{
	static const struct {
		struct wav wav;
		int64_t want_frames; /* -1: it is refused */
		const char *name;
	} rows[] = {
		{ { 1, 8000, 24000, 48000, 1 }, 24000, "one channel" },
		{ { 2, 8000, 24000, 96000, 1 }, 24000, "two" },
		{ { 3, 8000, 24000, 144000, 1 }, 24000, "three" },
		{ { 8, 8000, 2400, 38400, 1 }, 2400, "eight" },
		{ { 9, 8000, 2400, 43200, 1 }, -1, "nine are too many" },
		{ { 2, 48000, 48000, 192000, 1 }, 48000, "48 kHz" },
		{ { 2, 8000, 24000, 192000, 3 }, 24000, "floats" },
		{ { 1, 1, 2400, 4800, 1 }, 2400, "1 Hz" },
		{ { 1, 8000, 0, 0, 1 }, 0, "no sound" },
		{ { 1, 8000, 2400, 0x7ffffff0, 1 }, 2400, "a length that lies" },
		{ { 1, 8000, 2400, 0xffffffff, 1 }, 2400, "a length that nobody knew" },
		{ { 1, 8000, 2400, 2400, 1 }, 1200, "a length that is too short" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(waveform_free) struct waveform *waveform = NULL;
		AUTO(close) int fd = make_wav(&rows[i].wav);
		bool is_made = waveform_make(fd, NULL, &waveform, &err);

		OK(is_made == (rows[i].want_frames >= 0), "%s: %s", rows[i].name,
		   is_made ? "made" : err.text);
		if (!is_made) {
			IS_INT(err.kind, ERR_INVALID, "%s: never will be", rows[i].name);
			continue;
		}
		IS_INT((int64_t)waveform->frames, rows[i].want_frames, "%s: frames", rows[i].name);
		IS_INT(waveform->channels, rows[i].wav.channels, "%s: channels", rows[i].name);
		IS_INT(waveform->sample_rate, rows[i].wav.rate, "%s: rate", rows[i].name);
	}
}

static void test_sound(void)
{
	const struct wav wav = { 2, 8000, 32000, 128000, 1 };
	AUTO(waveform_free) struct waveform *waveform = NULL;
	AUTO(close) int fd = make_wav(&wav);

	OK(waveform_make(fd, NULL, &waveform, &err), "a second of sound, and three of none");
	IS_INT(waveform->count, 500, "points");
	OK(waveform->pairs[0] < -60 && waveform->pairs[1] > 60, "the first is loud");
	OK(waveform->pairs[499 * 4] == 0 && waveform->pairs[499 * 4 + 1] == 0, "the last is still");
	IS_INT(waveform->silence_count, 1, "one silence");
	OK(waveform->silences[0].from_ms >= 1000 && waveform->silences[0].from_ms <= 1050 &&
		   waveform->silences[0].to_ms == 4000,
	   "from the end of the sound to that of the file: %u", waveform->silences[0].from_ms);
	OK(waveform->loudness[0] > -1100 && waveform->loudness[0] < -900, "its loudness: %d",
	   waveform->loudness[0]);
	IS_INT(waveform->loudness[2], WAVEFORM_NO_LOUDNESS, "of channels that are not there: none");
}

static void test_files(void)
{
	static const struct {
		const char *name;
		unsigned channels, rate;
	} rows[] = {
		{ "mp3-dual-8k.mp3", 2, 8000 },       { "mp3-mono-16k-crc.mp3", 1, 16000 },
		{ "mp3-mono-22k.mp3", 1, 22050 },     { "mp3-44k-vbr-xing-id3v1.mp3", 2, 44100 },
		{ "mp3-mono-id3-info.mp3", 1, 8000 }, { "wav-dual-8k.wav", 2, 8000 },
		{ "wav-dual-adpcm.wav", 2, 8000 },    { "wav-mono-mulaw.wav", 1, 8000 },
		{ "wav-mono-pipe.wav", 1, 8000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(waveform_free) struct waveform *waveform = NULL;
		AUTO(free) char *path = xasprintf("%s/audio/%s", getenv("TEST_DATA"), rows[i].name);
		AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
		bool is_made = fd >= 0 && waveform_make(fd, NULL, &waveform, &err);

		OK(is_made, "%s: %s", rows[i].name, is_made ? "made" : err.text);
		if (!is_made)
			continue;
		IS_INT(waveform->channels, rows[i].channels, "%s: channels", rows[i].name);
		IS_INT(waveform->sample_rate, rows[i].rate, "%s: rate", rows[i].name);
		OK(waveform_duration_ms(waveform) > 300, "%s: %llu ms", rows[i].name,
		   (unsigned long long)waveform_duration_ms(waveform));
	}
}

static void test_refused(void)
{
	static const char text[] = "<?xml version=\"1.0\"?><TwilioResponse/>";
	static const char au[] = ".snd\0\0\0\x18\0\0\0\x08\0\0\0\x03\0\0\x1f\x40\0\0\0\x01"
				 "abcdefgh"; /* which libsndfile reads */
	const struct wav wav = { 1, 8000, 24000, 48000, 1 };
	struct waveform *waveform = NULL;
	atomic_bool is_stopping = true;
	AUTO(close) int of_text = make_file(text, sizeof(text));
	AUTO(close) int of_au = make_file(au, sizeof(au) - 1);
	AUTO(close) int of_wav = make_wav(&wav);
	AUTO(close) int folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	OK(!waveform_make(of_text, NULL, &waveform, &err) && err.kind == ERR_INVALID, "text: %s",
	   err.text);
	OK(!waveform_make(of_au, NULL, &waveform, &err) && err.kind == ERR_INVALID,
	   "a format that we do not store: %s", err.text);
	OK(!waveform_make(of_wav, &is_stopping, &waveform, &err) && err.kind == ERR_UNAVAILABLE,
	   "we stop: %s", err.text);
	OK(!waveform_make(folder, NULL, &waveform, &err), "what cannot be read: %s", err.text);
	OK(!waveform, "nothing came of these");
}

int main(void)
{
	test_heads();
	test_sound();
	test_files();
	test_refused();
	return tap_end();
}
