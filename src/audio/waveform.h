/*
 * The waveform of a recording: its peaks, its silence map and how loud each channel is; and the two forms in which it
 * is bytes:
 *
 *	our own file    all of it, with a version and a checksum
 *	audiowaveform   the peaks alone: "Data Format" version 2, 8 bits (github.com/bbc/audiowaveform)
 *
 * Our file, little-endian:
 *
 *	 0	"CSWF", u32 version
 *	 8	u32 sample rate, u32 frames a point, u32 points, u32 channels
 *	24	u64 frames, u32 silences
 *	36	i16 loudness of each of eight channels, hundredths of a LUFS; -32768: none
 *	52	silences: u32 from, u32 to, ms
 *		points: i8 min, i8 max of each channel
 *		the first 8 bytes of the SHA-256 of all before
 *
 * At most 0.3 MB; as a rule, for two channels, at most 66 KB.  Pure.
 */
#pragma once

#include "audio/peaks.h"
#include "audio/silence.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* To be raised with the format, or where what is computed changes: recordings_waveform.h says how all are made anew. */
#define WAVEFORM_VERSION 1
#define WAVEFORM_FILE_MAX \
	(52 + SILENCES_MAX * 8 + PEAKS_MAX * PEAKS_CHANNELS_MAX * 2 + 8) /* of our file */

#define WAVEFORM_NO_LOUDNESS INT16_MIN

struct waveform {
	unsigned channels; /* 1 to PEAKS_CHANNELS_MAX */
	uint32_t sample_rate;
	uint64_t frames;
	uint32_t length;                      /* frames a point; the last may be shorter */
	size_t count;                         /* points; 0: there is no sound in it */
	int8_t *pairs;                        /* of each point, of each channel: min, max */
	int16_t loudness[PEAKS_CHANNELS_MAX]; /* hundredths of a LUFS, or WAVEFORM_NO_LOUDNESS */
	struct silence *silences;
	size_t silence_count;
};

void waveform_free(struct waveform *waveform); /* NULL does nothing */
DEFINE_AUTO(struct waveform *, waveform_free)

uint64_t waveform_duration_ms(const struct waveform *waveform);
/* At most so many points (at least 1), each of as many of the old ones as it takes. */
void waveform_reduce(struct waveform *waveform, size_t points);

/* Our file.  The buf may be of WAVEFORM_FILE_MAX bytes. */
void waveform_write(const struct waveform *waveform, struct buf *out);
/* ERR_INVALID: it is damaged, or of another version. */
bool waveform_read(struct str bytes, struct waveform **out, struct err *err) MUST_CHECK;

/* In audiowaveform's binary format. */
void waveform_write_dat(const struct waveform *waveform, struct buf *out);
