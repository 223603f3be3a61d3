#include "audio/waveform.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tap.h"

#include <string.h>

static int8_t pairs[] = { -1, 2, -3, 4, -128, 127, -5, 6, 0, 0, 7, 7 };
static struct silence silences[] = { { 0, 1200 }, { 70000, 4000000000 } };

/* Three points of two channels. */
static const struct waveform some = {
	.channels = 2,
	.sample_rate = 8000,
	.frames = 8000ULL * 3600 * 600 + 4,
	.length = 256,
	.count = 3,
	.pairs = pairs,
	.loudness = { -2310, WAVEFORM_NO_LOUDNESS, WAVEFORM_NO_LOUDNESS, 0, 0, 0, 0, 0 },
	.silences = silences,
	.silence_count = 2,
};

static struct err err;

static void test_round(void)
{
	AUTO(waveform_free) struct waveform *read = NULL;
	AUTO(buf_release) struct buf file;

	buf_init(&file, WAVEFORM_FILE_MAX);
	waveform_write(&some, &file);
	IS_INT(file.len, 52 + 2 * 8 + 12 + 8, "head, silences, points, checksum");
	OK(waveform_read(buf_str(&file), &read, &err), "it is read: %s", err.text);
	OK(read->channels == 2 && read->sample_rate == 8000 && read->frames == some.frames &&
		   read->length == 256 && read->count == 3 && read->silence_count == 2,
	   "the head");
	OK(memcmp(read->pairs, pairs, sizeof(pairs)) == 0, "the points");
	OK(memcmp(read->silences, silences, sizeof(silences)) == 0, "the silences");
	OK(memcmp(read->loudness, some.loudness, sizeof(some.loudness)) == 0, "the loudness");
	IS_INT(waveform_duration_ms(read), 3600LL * 600 * 1000 + 1, "how long it is, rounded");
}

/* Every bit counts. */
static void test_damaged(void)
{
	AUTO(buf_release) struct buf file;
	size_t taken = 0;

	buf_init(&file, WAVEFORM_FILE_MAX);
	waveform_write(&some, &file);
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		struct waveform *read = NULL;

		file.at[bit / 8] = (char)(file.at[bit / 8] ^ 1 << bit % 8);
		taken += waveform_read(buf_str(&file), &read, &err);
		file.at[bit / 8] = (char)(file.at[bit / 8] ^ 1 << bit % 8);
	}
	IS_INT(taken, 0, "a bit that has changed is seen");
	for (size_t len = 0; len < file.len; len++) {
		struct waveform *read = NULL;

		taken += waveform_read(str_first(buf_str(&file), len), &read, &err);
	}
	IS_INT(taken, 0, "and one that is cut");
	OK(err.kind == ERR_INVALID, "%s", err.text);
}

static void sign(struct buf *file)
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(str_first(buf_str(file), file->len - 8), digest);
	memcpy(file->at + file->len - 8, digest, 8);
}

/* What only somebody else can have written, with the right checksum. */
static void test_refused(void)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *name;
	} rows[] = {
		{ 4, WAVEFORM_VERSION + 1, "another version" },
		{ 8, 0, "no sample rate" },
		{ 12, 0, "points of no length" },
		{ 16, 4, "more points than there are" },
		{ 16, 2, "fewer" },
		{ 16, 0xffffffff, "very many" },
		{ 20, 0, "no channel" },
		{ 20, 9, "nine of them" },
		{ 32, 3, "more silences than there are" },
		{ 32, 0xffffffff, "very many of them" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_release) struct buf file;
		struct waveform *read = NULL;

		buf_init(&file, WAVEFORM_FILE_MAX);
		waveform_write(&some, &file);
		memcpy(file.at + rows[i].at, &rows[i].value, 4);
		sign(&file);
		OK(!waveform_read(buf_str(&file), &read, &err) && err.kind == ERR_INVALID, "%s: %s",
		   rows[i].name, err.text);
	}
}

/* As waveform-data.js and peaks.js read it. */
static void test_dat(void)
{
	static const uint8_t want[] = {
		2, 0, 0, 0, 1, 0, 0,    0, 0x40, 0x1f, 0,    0,    0,    1, 0, 0, 3, 0,
		0, 0, 2, 0, 0, 0, 0xff, 2, 0xfd, 4,    0x80, 0x7f, 0xfb, 6, 0, 0, 7, 7,
	};
	AUTO(buf_release) struct buf file;

	buf_init(&file, WAVEFORM_FILE_MAX);
	waveform_write_dat(&some, &file);
	OK(file.len == sizeof(want) && memcmp(file.at, want, sizeof(want)) == 0,
	   "audiowaveform's format, version 2, in 8 bits");
}

static void test_reduce(void)
{
	static const struct {
		size_t points, want_count;
		uint32_t want_length;
		int8_t want[12];
	} rows[] = {
		{ 9, 3, 256, { -1, 2, -3, 4, -128, 127, -5, 6, 0, 0, 7, 7 } },
		{ 3, 3, 256, { -1, 2, -3, 4, -128, 127, -5, 6, 0, 0, 7, 7 } },
		{ 2, 2, 512, { -128, 127, -5, 6, 0, 0, 7, 7 } },
		{ 1, 1, 768, { -128, 127, -5, 7 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct waveform waveform = some;
		int8_t copy[sizeof(pairs)];

		memcpy(copy, pairs, sizeof(pairs));
		waveform.pairs = copy;
		waveform_reduce(&waveform, rows[i].points);
		IS_INT(waveform.count, rows[i].want_count, "at most %zu", rows[i].points);
		IS_INT(waveform.length, rows[i].want_length, "of that length");
		OK(memcmp(copy, rows[i].want, waveform.count * 4) == 0, "and these extremes");
	}
}

static void test_empty(void)
{
	struct waveform none = { .channels = 1, .sample_rate = 8000, .length = 64 };
	AUTO(waveform_free) struct waveform *read = NULL;
	AUTO(buf_release) struct buf file;

	buf_init(&file, WAVEFORM_FILE_MAX);
	waveform_reduce(&none, 1);
	waveform_write(&none, &file);
	OK(waveform_read(buf_str(&file), &read, &err) && read->count == 0,
	   "one of no sound is one, too");
	IS_INT(waveform_duration_ms(read), 0, "of no length");
}

int main(void)
{
	test_round();
	test_damaged();
	test_refused();
	test_dat();
	test_reduce();
	test_empty();
	return tap_end();
}
