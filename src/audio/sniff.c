/*
 * A machine of small steps.  A step looks at `need` bytes and says how far it is to the
 * next one; what lies between is never looked at:
 *
 *	START -> RIFF -> CHUNK -> FORMAT -> CHUNK -> ... -> DATA (a WAV from here on)
 *	  |  \
 *	  |   -> TAG -> START
 *	  |
 *	  +-> FIRST -> FRAME -> FRAME -> FRAME (an MP3 from here on) -> ...
 *                        ^                  |
 *                        +---- CONFIRM <- LOST
 *
 * Where the input has the bytes in one piece the step reads them there; otherwise they
 * are collected first.  Steps see no more than that, so the way in which the input was
 * cut cannot show.
 */
#include "audio/sniff.h"

#include <assert.h>
#include <string.h>

enum step {
	STEP_START,   /* the first bytes, or those behind a tag */
	STEP_TEXT,    /* it began like text: what kind? */
	STEP_TAG,     /* ID3v2's head */
	STEP_FIRST,   /* the first frame: does it hold sound, or Xing's table? */
	STEP_FRAME,   /* the header of a frame behind another */
	STEP_LOST,    /* no header where one should be: looking for the next */
	STEP_CONFIRM, /* behind a frame that LOST found: only a header here makes it one */
	STEP_RIFF,
	STEP_CHUNK,
	STEP_FORMAT,
	STEP_REST, /* nothing behind this matters */
};

#define FRAMES_TO_BELIEVE 3
#define PADDING_MAX       65536
#define CHUNK_MAX         (16u << 20)
#define PASS_ALL          (UINT64_C(1) << 62)
#define FIRST_LOOK        42 /* header, checksum, side information and "Xing" of the widest frame */

_Static_assert(FIRST_LOOK <= SNIFF_HELD_MAX, "a step's bytes fit");

static void step_next(struct sniff *sniff, enum step step, uint32_t need)
{
	sniff->step = step;
	sniff->need = need;
}

static uint64_t refuse(struct sniff *sniff, const char *reason)
{
	sniff->kind = AUDIO_NOT;
	sniff->reason = reason;
	step_next(sniff, STEP_REST, 1);
	return PASS_ALL;
}

static bool is_at(const uint8_t *at, const char *text)
{
	return memcmp(at, text, strlen(text)) == 0;
}

/* ---- MP3 ---- */

struct frame {
	uint32_t size; /* bytes, the header included */
	uint32_t samples;
	uint32_t rate;
	uint32_t channels;
	uint32_t like; /* version, layer, rate, mono or not: the same in all frames of a file */
	uint32_t side; /* bytes of side information */
	bool has_checksum;
};

/* False: these four bytes begin no layer III frame of a length that can be known. */
static bool frame_read(const uint8_t *at, struct frame *out)
{
	static const uint16_t kbits[2][16] = {
		{ 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0 },
		{ 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0 },
	};
	/* by version bits: MPEG 2.5, (reserved), MPEG 2, MPEG 1 */
	static const uint32_t rates[4][4] = {
		{ 11025, 12000, 8000, 0 },
		{ 0, 0, 0, 0 },
		{ 22050, 24000, 16000, 0 },
		{ 44100, 48000, 32000, 0 },
	};
	unsigned version = (at[1] >> 3) & 3, layer = (at[1] >> 1) & 3;
	bool is_mpeg1 = version == 3, is_mono = at[3] >> 6 == 3;
	uint32_t rate = rates[version][(at[2] >> 2) & 3], kbit = kbits[is_mpeg1][at[2] >> 4];

	if (at[0] != 0xff || (at[1] & 0xe0) != 0xe0 || layer != 1 || rate == 0 || kbit == 0)
		return false;
	if ((at[3] & 3) == 2) /* the emphasis that is reserved */
		return false;
	*out = (struct frame){
		.size = (is_mpeg1 ? 144000u : 72000u) * kbit / rate + ((at[2] >> 1) & 1),
		.samples = is_mpeg1 ? 1152 : 576,
		.rate = rate,
		.channels = is_mono ? 1 : 2,
		.like = (at[1] & 0x1eu) << 16 | (at[2] & 0x0cu) << 8 | (is_mono ? 1u : 0u),
		.side = is_mpeg1 ? (is_mono ? 17 : 32) : (is_mono ? 9 : 17),
		.has_checksum = (at[1] & 1) == 0,
	};
	return true;
}

/* Encoders put a table where the first frame's sound would be; players leave that frame out. */
static bool frame_is_table(const uint8_t *at, const struct frame *frame, uint32_t len)
{
	uint32_t place = 4 + frame->side;

	if (len >= place + 4 && (is_at(at + place, "Xing") || is_at(at + place, "Info")))
		return true;
	if (frame->has_checksum && len >= place + 6 &&
	    (is_at(at + place + 2, "Xing") || is_at(at + place + 2, "Info")))
		return true;
	return len >= 40 && is_at(at + 36, "VBRI");
}

static uint64_t step_tag(struct sniff *sniff, const uint8_t *at)
{
	if (at[3] == 0xff || at[4] == 0xff || ((at[6] | at[7] | at[8] | at[9]) & 0x80) != 0)
		return refuse(sniff, "a damaged ID3 tag");

	uint32_t size = (uint32_t)at[6] << 21 | (uint32_t)at[7] << 14 | (uint32_t)at[8] << 7 |
			at[9];

	step_next(sniff, STEP_START, 4);
	return 10 + (uint64_t)size + ((at[5] & 0x10) != 0 ? 10 : 0);
}

static uint64_t step_first(struct sniff *sniff, const uint8_t *at)
{
	struct frame frame;

	assert(frame_read(at, &frame)); /* START has seen it */
	sniff->frame_like = frame.like;
	sniff->frame_samples = frame_is_table(at, &frame, sniff->need) ? 0 : frame.samples;
	sniff->sample_rate = frame.rate;
	sniff->channels = frame.channels;
	sniff->frames_seen = 1;
	step_next(sniff, STEP_FRAME, 4);
	return frame.size;
}

static uint64_t step_frame(struct sniff *sniff, const uint8_t *at)
{
	struct frame frame;

	sniff->samples += sniff->frame_samples;
	sniff->frame_samples = 0;
	if (!frame_read(at, &frame) || frame.like != sniff->frame_like) {
		if (sniff->kind == AUDIO_UNKNOWN_YET)
			return refuse(sniff, "no audio that we know");
		step_next(sniff, STEP_LOST, 4);
		return 0;
	}
	if (++sniff->frames_seen == FRAMES_TO_BELIEVE)
		sniff->kind = AUDIO_MP3;
	sniff->frame_samples = frame.samples;
	step_next(sniff, STEP_FRAME, 4);
	return frame.size;
}

static uint64_t step_lost(struct sniff *sniff, const uint8_t *at)
{
	struct frame frame;

	if (!frame_read(at, &frame) || frame.like != sniff->frame_like)
		return 1;
	sniff->frame_samples = frame.samples;
	step_next(sniff, STEP_CONFIRM, 4);
	return frame.size;
}

static uint64_t step_confirm(struct sniff *sniff, const uint8_t *at)
{
	struct frame frame;

	if (frame_read(at, &frame) && frame.like == sniff->frame_like)
		return step_frame(sniff, at);
	sniff->frame_samples = 0; /* it was none */
	step_next(sniff, STEP_LOST, 4);
	return 0;
}

/* ---- WAV ---- */

static uint32_t le16(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t le32(const uint8_t *at)
{
	return le16(at) | le16(at + 2) << 16;
}

static uint64_t step_riff(struct sniff *sniff, const uint8_t *at)
{
	uint32_t size = le32(at + 4);

	if (!is_at(at + 8, "WAVE"))
		return refuse(sniff, "a RIFF file, but no WAVE");
	sniff->riff_end = size == 0 || size == UINT32_MAX ? 0 : (uint64_t)size + 8;
	step_next(sniff, STEP_CHUNK, 8);
	return 12;
}

/* Programs that write to a pipe cannot go back to fill in the length: they leave 0 or a huge one. */
static bool data_is_endless(const struct sniff *sniff, uint32_t size)
{
	if (size == 0)
		return sniff->riff_end <= sniff->position + 8;
	return size >= 0x7fff0000;
}

static uint64_t step_chunk(struct sniff *sniff, const uint8_t *at)
{
	uint32_t size = le32(at + 4);

	if (is_at(at, "fmt ")) {
		if (size < 16 || size > 4096 || sniff->byte_rate > 0)
			return refuse(sniff, "a WAV whose format is damaged");
		sniff->chunk_size = size;
		step_next(sniff, STEP_FORMAT, 16);
		return 8;
	}
	if (is_at(at, "data")) {
		if (sniff->byte_rate == 0)
			return refuse(sniff, "a WAV whose sound has no format");
		sniff->data_start = sniff->position + 8;
		sniff->data_size = data_is_endless(sniff, size) ? UINT64_MAX : size;
		sniff->kind = AUDIO_WAV;
		step_next(sniff, STEP_REST, 1);
		return PASS_ALL;
	}
	if (size > CHUNK_MAX)
		return refuse(sniff, "a damaged WAV");
	return 8 + (uint64_t)size + (size & 1);
}

static uint64_t step_format(struct sniff *sniff, const uint8_t *at)
{
	uint32_t tag = le16(at), channels = le16(at + 2), rate = le32(at + 4);
	uint32_t byte_rate = le32(at + 8), align = le16(at + 12);
	/* PCM, float, A-law, mu-law and their extensible form: a block is a sample of each channel. */
	bool is_plain = tag == 1 || tag == 3 || tag == 6 || tag == 7 || tag == 0xfffe;

	if (is_plain && align > 0 && rate <= 768000)
		byte_rate = rate * align;
	if (channels == 0 || channels > 64 || rate == 0 || rate > 768000 || byte_rate == 0)
		return refuse(sniff, "a WAV whose format is damaged");
	sniff->channels = channels;
	sniff->sample_rate = rate;
	sniff->byte_rate = byte_rate;
	step_next(sniff, STEP_CHUNK, 8);
	return (uint64_t)sniff->chunk_size + (sniff->chunk_size & 1);
}

static uint64_t data_passed(const struct sniff *sniff)
{
	uint64_t passed = sniff->bytes > sniff->data_start ? sniff->bytes - sniff->data_start : 0;

	return passed < sniff->data_size ? passed : sniff->data_size;
}

/* ---- neither ---- */

static bool is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static const char *text_reason(const uint8_t *at, uint32_t len)
{
	if (len > 0 && (at[0] == '{' || at[0] == '['))
		return "JSON";
	if (len > 1 && at[0] == '<') {
		uint8_t second = at[1] | 0x20, third = len > 2 ? at[2] | 0x20 : 0;

		return second == 'h' || (at[1] == '!' && third == 'd') ? "an HTML page"
								       : "an XML document";
	}
	return "no audio that we know";
}

static uint64_t step_text(struct sniff *sniff, const uint8_t *at)
{
	if (is_space(at[0]) && sniff->position < PADDING_MAX)
		return 1;
	return refuse(sniff, text_reason(at, sniff->need));
}

static uint64_t step_start(struct sniff *sniff, const uint8_t *at)
{
	struct frame frame;

	if (is_at(at, "RIFF") && sniff->position == 0) {
		step_next(sniff, STEP_RIFF, 12);
		return 0;
	}
	if (is_at(at, "ID3")) {
		step_next(sniff, STEP_TAG, 10);
		return 0;
	}
	if (frame_read(at, &frame)) {
		step_next(sniff, STEP_FIRST, frame.size < FIRST_LOOK ? frame.size : FIRST_LOOK);
		return 0;
	}
	/* Some programs leave room between a tag and the sound. */
	if (at[0] == 0 && sniff->position > 0 && sniff->position < CHUNK_MAX)
		return 1;
	step_next(sniff, STEP_TEXT, 4);
	return is_at(at, "\xef\xbb\xbf") ? 3 : 0;
}

/* How far it is from the step's first byte to the next step's. */
static uint64_t step_take(struct sniff *sniff, const uint8_t *at)
{
	switch ((enum step)sniff->step) {
	case STEP_START:
		return step_start(sniff, at);
	case STEP_TEXT:
		return step_text(sniff, at);
	case STEP_TAG:
		return step_tag(sniff, at);
	case STEP_FIRST:
		return step_first(sniff, at);
	case STEP_FRAME:
		return step_frame(sniff, at);
	case STEP_LOST:
		return step_lost(sniff, at);
	case STEP_CONFIRM:
		return step_confirm(sniff, at);
	case STEP_RIFF:
		return step_riff(sniff, at);
	case STEP_CHUNK:
		return step_chunk(sniff, at);
	case STEP_FORMAT:
		return step_format(sniff, at);
	case STEP_REST:
		break;
	}
	return PASS_ALL;
}

void sniff_init(struct sniff *sniff)
{
	*sniff = (struct sniff){ .kind = AUDIO_UNKNOWN_YET };
	step_next(sniff, STEP_START, 4);
}

/* The bytes of a step, collected over several calls; how many of the input's it took. */
static size_t feed_held(struct sniff *sniff, const uint8_t *at, size_t len)
{
	size_t take = 0;

	if (sniff->held < sniff->need) {
		take = sniff->need - sniff->held;
		if (take > len)
			take = len;
		memcpy(sniff->bytes_held + sniff->held, at, take);
		sniff->held += (uint32_t)take;
	}
	if (sniff->held < sniff->need)
		return take;

	uint64_t distance = step_take(sniff, sniff->bytes_held);

	sniff->position += distance;
	if (distance >= sniff->held) {
		sniff->skip = distance - sniff->held;
		sniff->held = 0;
	} else {
		sniff->held -= (uint32_t)distance;
		memmove(sniff->bytes_held, sniff->bytes_held + distance, sniff->held);
	}
	return take;
}

void sniff_feed(struct sniff *sniff, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	sniff->bytes += len;
	while (len > 0 || (sniff->held > 0 && sniff->held >= sniff->need)) {
		size_t used;

		if (sniff->skip > 0) {
			used = sniff->skip < len ? (size_t)sniff->skip : len;
			sniff->skip -= used;
		} else if (sniff->held > 0 || len < sniff->need) {
			used = feed_held(sniff, at, len);
		} else {
			uint64_t distance = step_take(sniff, at);

			sniff->position += distance;
			used = distance < len ? (size_t)distance : len;
			sniff->skip = distance - used;
		}
		at += used;
		len -= used;
	}
}

void sniff_end(struct sniff *sniff)
{
	bool is_whole = sniff->skip == 0 && sniff->held == 0;

	if (sniff->kind == AUDIO_WAV) {
		sniff->is_cut = sniff->data_size != UINT64_MAX &&
				data_passed(sniff) < sniff->data_size;
		if (data_passed(sniff) == 0)
			refuse(sniff, "a WAV without sound");
		return;
	}
	if (sniff->kind == AUDIO_NOT)
		return;
	if (sniff->kind == AUDIO_UNKNOWN_YET && sniff->frames_seen > 0 && is_whole)
		sniff->kind = AUDIO_MP3;
	if (sniff->kind == AUDIO_MP3) {
		sniff->is_cut = sniff->skip > 0;
		if (sniff_duration_ms(sniff) == 0)
			refuse(sniff, "an MP3 without sound");
		return;
	}
	if (sniff->bytes == 0)
		refuse(sniff, "nothing");
	else if (sniff->step == STEP_TEXT || sniff->step == STEP_START)
		refuse(sniff, text_reason(sniff->bytes_held, sniff->held));
	else
		refuse(sniff, "cut off before any sound");
}

uint64_t sniff_duration_ms(const struct sniff *sniff)
{
	if (sniff->kind == AUDIO_WAV) {
		uint64_t passed = data_passed(sniff);

		/* In two parts, so that no product overflows. */
		return passed / sniff->byte_rate * 1000 +
		       passed % sniff->byte_rate * 1000 / sniff->byte_rate;
	}
	if (sniff->kind == AUDIO_MP3) {
		bool is_pending_whole = sniff->skip == 0;

		return (sniff->samples + (is_pending_whole ? sniff->frame_samples : 0)) * 1000 /
		       sniff->sample_rate;
	}
	return 0;
}

const char *sniff_reason(const struct sniff *sniff)
{
	return sniff->reason ? sniff->reason : "not known yet";
}

const char *audio_extension(enum audio_kind kind)
{
	if (kind == AUDIO_MP3)
		return "mp3";
	return kind == AUDIO_WAV ? "wav" : NULL;
}
