#include "audio/waveform.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC       "CSWF"
#define HEAD_BYTES  52
#define CHECK_BYTES 8

#define DAT_VERSION 2
#define DAT_8_BITS  1 /* flags */

void waveform_free(struct waveform *waveform)
{
	if (!waveform)
		return;
	free(waveform->pairs);
	free(waveform->silences);
	free(waveform);
}

uint64_t waveform_duration_ms(const struct waveform *waveform)
{
	uint64_t rate = waveform->sample_rate;

	return waveform->frames / rate * 1000 + (waveform->frames % rate * 1000 + rate / 2) / rate;
}

void waveform_reduce(struct waveform *waveform, size_t points)
{
	size_t group = (waveform->count + points - 1) / points;

	if (group <= 1)
		return;
	waveform->count = peaks_merge(waveform->pairs, waveform->channels, waveform->count, group);
	waveform->length *= (uint32_t)group;
}

static size_t pair_bytes(const struct waveform *waveform)
{
	return waveform->count * waveform->channels * 2;
}

/* ---- writing ---- */

static void add_little(struct buf *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_add_byte(out, (char)(uint8_t)(value >> 8 * i));
}

static void add_check(struct buf *out)
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(buf_str(out), digest);
	buf_add(out, digest, CHECK_BYTES);
}

void waveform_write(const struct waveform *waveform, struct buf *out)
{
	buf_add_text(out, MAGIC);
	add_little(out, WAVEFORM_VERSION, 4);
	add_little(out, waveform->sample_rate, 4);
	add_little(out, waveform->length, 4);
	add_little(out, waveform->count, 4);
	add_little(out, waveform->channels, 4);
	add_little(out, waveform->frames, 8);
	add_little(out, waveform->silence_count, 4);
	for (unsigned c = 0; c < PEAKS_CHANNELS_MAX; c++)
		add_little(out, (uint16_t)waveform->loudness[c], 2);
	for (size_t i = 0; i < waveform->silence_count; i++) {
		add_little(out, waveform->silences[i].from_ms, 4);
		add_little(out, waveform->silences[i].to_ms, 4);
	}
	buf_add(out, waveform->pairs, pair_bytes(waveform));
	add_check(out);
}

void waveform_write_dat(const struct waveform *waveform, struct buf *out)
{
	add_little(out, DAT_VERSION, 4);
	add_little(out, DAT_8_BITS, 4);
	add_little(out, waveform->sample_rate, 4);
	add_little(out, waveform->length, 4);
	add_little(out, waveform->count, 4);
	add_little(out, waveform->channels, 4);
	buf_add(out, waveform->pairs, pair_bytes(waveform));
}

/* ---- reading ---- */

static uint64_t take_little(struct str *bytes, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)(uint8_t)bytes->at[i] << 8 * i;
	*bytes = str_after(*bytes, count);
	return value;
}

static bool damaged(struct err *err)
{
	return err_set(err, ERR_INVALID, "the waveform's file is damaged");
}

static bool check(struct str bytes)
{
	uint8_t digest[SHA256_BYTES];

	if (bytes.len < HEAD_BYTES + CHECK_BYTES || memcmp(bytes.at, MAGIC, 4) != 0)
		return false;
	sha256_of(str_first(bytes, bytes.len - CHECK_BYTES), digest);
	return memcmp(digest, bytes.at + bytes.len - CHECK_BYTES, CHECK_BYTES) == 0;
}

static void take_head(struct waveform *waveform, struct str *rest)
{
	waveform->sample_rate = (uint32_t)take_little(rest, 4);
	waveform->length = (uint32_t)take_little(rest, 4);
	waveform->count = take_little(rest, 4);
	waveform->channels = (unsigned)take_little(rest, 4);
	waveform->frames = take_little(rest, 8);
	waveform->silence_count = take_little(rest, 4);
	for (unsigned c = 0; c < PEAKS_CHANNELS_MAX; c++)
		waveform->loudness[c] = (int16_t)(uint16_t)take_little(rest, 2);
}

/* `left` bytes follow the head. */
static bool is_head_good(const struct waveform *waveform, size_t left)
{
	return waveform->sample_rate > 0 && waveform->length > 0 && waveform->count <= PEAKS_MAX &&
	       waveform->channels > 0 && waveform->channels <= PEAKS_CHANNELS_MAX &&
	       waveform->silence_count <= SILENCES_MAX &&
	       left == waveform->silence_count * 8 + pair_bytes(waveform) + CHECK_BYTES;
}

bool waveform_read(struct str bytes, struct waveform **out, struct err *err)
{
	AUTO(waveform_free) struct waveform *waveform = xcalloc(1, sizeof(*waveform));
	struct str rest = bytes;
	uint64_t version;

	if (!check(bytes))
		return damaged(err);
	rest = str_after(rest, 4);
	version = take_little(&rest, 4);
	if (version != WAVEFORM_VERSION)
		return err_set(err, ERR_INVALID, "the waveform's file is of version %llu",
			       (unsigned long long)version);
	take_head(waveform, &rest);
	if (!is_head_good(waveform, rest.len))
		return damaged(err);
	waveform->silences = xcalloc(waveform->silence_count + 1, sizeof(*waveform->silences));
	for (size_t i = 0; i < waveform->silence_count; i++) {
		waveform->silences[i].from_ms = (uint32_t)take_little(&rest, 4);
		waveform->silences[i].to_ms = (uint32_t)take_little(&rest, 4);
	}
	waveform->pairs = xcalloc(pair_bytes(waveform) + 1, 1);
	memcpy(waveform->pairs, rest.at, pair_bytes(waveform));
	*out = TAKE(waveform);
	return true;
}
