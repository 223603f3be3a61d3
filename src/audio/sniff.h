/*
 * Is it audio, which, and how long?  Fed with the bytes of a download as they pass.
 *
 * Nothing is believed of what a provider claims.  MP3 counts as such after three frame
 * headers that follow each other exactly and agree (ISO 11172-3 and 13818-3, layer III,
 * and MPEG 2.5); ID3v2 tags before them are passed over.  WAV counts once "RIFF", "WAVE", a valid
 * fmt chunk and the head of the data chunk were seen.  Everything else is not audio.
 *
 * The length is counted from what passed: MP3 frames (not the Xing, Info or VBRI one,
 * which holds no sound), or bytes of the data chunk.  It jumps from one frame header to the
 * next, so it costs next to nothing.
 *
 * Constant memory, a plain value, no pointers inside.  However the bytes are split over the
 * calls, the answers are the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum audio_kind {
	AUDIO_UNKNOWN_YET, /* feed more, or end it */
	AUDIO_MP3,
	AUDIO_WAV,
	AUDIO_NOT, /* never becomes audio: sniff_reason() says what it looks like */
};

#define SNIFF_HELD_MAX 64

struct sniff {
	enum audio_kind
		kind; /* never changes once it is not UNKNOWN_YET, but by sniff_end() for lack of sound */
	unsigned channels;    /* 1, 2, ...; valid with MP3, WAV */
	unsigned sample_rate; /* Hz; valid with MP3, WAV */
	bool is_cut;          /* after sniff_end(): the last frame or the data chunk is not whole */
	uint64_t bytes;       /* fed so far */

	/* sniff.c's own */
	int step; /* what stands at `position` */
	const char *reason;
	uint64_t position;      /* of the next step's first byte */
	uint64_t skip;          /* bytes still to pass over before the next step */
	uint64_t samples;       /* MP3, per channel: of the whole frames before the pending one */
	uint32_t frame_samples; /* MP3: of the frame being passed over; 0: one without sound */
	uint32_t frame_like;    /* MP3: the header bits on which all frames agree */
	uint32_t frames_seen;   /* MP3: headers in a row */
	uint32_t chunk_size;    /* WAV: of the fmt chunk */
	uint32_t byte_rate;     /* WAV */
	uint64_t data_start;    /* WAV: position of the first byte of sound */
	uint64_t data_size;     /* WAV: as declared; UINT64_MAX when it goes on to the end */
	uint64_t riff_end;      /* WAV: as declared; 0 not known */
	uint32_t need, held;    /* bytes the step wants; bytes of them that are here */
	uint8_t bytes_held[SNIFF_HELD_MAX];
};

void sniff_init(struct sniff *sniff);
/* Any number of bytes, any number of times. */
void sniff_feed(struct sniff *sniff, const void *bytes, size_t len);
/*
 * There are no more.  What is still UNKNOWN_YET becomes AUDIO_NOT, unless it is one or two
 * whole MP3 frames and nothing else; audio without any sound in it becomes AUDIO_NOT too.
 */
void sniff_end(struct sniff *sniff);

/* Of what has passed so far. */
uint64_t sniff_duration_ms(const struct sniff *sniff);
/* Why AUDIO_NOT: "an XML document", "nothing", ...; fits "it is ..." */
const char *sniff_reason(const struct sniff *sniff);

/* "mp3", "wav"; NULL for the others. */
const char *audio_extension(enum audio_kind kind);
