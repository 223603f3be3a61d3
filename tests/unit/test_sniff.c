#include "audio/sniff.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "tap.h"

/* Lengths are those that ffprobe tells, which counts frames too. */
static const struct {
	const char *file;
	enum audio_kind kind;
	unsigned channels, sample_rate;
	uint64_t duration_ms;
} files[] = {
	{ "mp3-dual-8k.mp3", AUDIO_MP3, 2, 8000, 2160 },
	{ "mp3-mono-id3-info.mp3", AUDIO_MP3, 1, 8000, 2160 },
	{ "mp3-44k-vbr-xing-id3v1.mp3", AUDIO_MP3, 2, 44100, 2037 },
	{ "mp3-mono-22k.mp3", AUDIO_MP3, 1, 22050, 2063 },
	{ "mp3-mono-16k-crc.mp3", AUDIO_MP3, 1, 16000, 2088 },
	{ "wav-dual-8k.wav", AUDIO_WAV, 2, 8000, 1000 },
	{ "wav-mono-mulaw.wav", AUDIO_WAV, 1, 8000, 500 },
	{ "wav-mono-pipe.wav", AUDIO_WAV, 1, 8000, 500 },
};

static char *data_read(const char *name, size_t *len)
{
	AUTO(free) char *path = xasprintf("%s/audio/%s", getenv("TEST_DATA"), name);
	char *bytes = NULL;
	struct err err;

	if (!file_read(path, 1 << 20, &bytes, len, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return bytes;
}

static struct sniff sniff_in_pieces(const char *bytes, size_t len, size_t piece)
{
	struct sniff sniff;

	sniff_init(&sniff);
	for (size_t at = 0; at < len; at += piece) {
		/* A copy of its own size, so that the address sanitizer sees any look beyond it. */
		size_t here = len - at < piece ? len - at : piece;
		AUTO(free) char *copy = xmemdup0(bytes + at, here);

		sniff_feed(&sniff, copy, here);
	}
	sniff_end(&sniff);
	return sniff;
}

static bool sniff_same(const struct sniff *a, const struct sniff *b)
{
	return a->kind == b->kind && a->channels == b->channels &&
	       a->sample_rate == b->sample_rate && a->is_cut == b->is_cut &&
	       sniff_duration_ms(a) == sniff_duration_ms(b) &&
	       str_eq(str_of(sniff_reason(a)), str_of(sniff_reason(b)));
}

static void check_files(void)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 13, 64, 287, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		size_t len;
		AUTO(free) char *bytes = data_read(files[i].file, &len);
		struct sniff whole = sniff_in_pieces(bytes, len, len),
			     cut = sniff_in_pieces(bytes, len - 200, len);

		IS_INT(whole.kind, files[i].kind, "%s: kind", files[i].file);
		IS_INT(whole.channels, files[i].channels, "%s: channels", files[i].file);
		IS_INT(whole.sample_rate, files[i].sample_rate, "%s: sample rate", files[i].file);
		IS_INT(sniff_duration_ms(&whole), files[i].duration_ms, "%s: length",
		       files[i].file);
		OK(!whole.is_cut, "%s: whole", files[i].file);
		OK(sniff_duration_ms(&cut) < files[i].duration_ms, "%s: cut short it is shorter",
		   files[i].file);
		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			struct sniff split = sniff_in_pieces(bytes, len, pieces[k]);

			OK(sniff_same(&whole, &split), "%s: the same in pieces of %zu",
			   files[i].file, pieces[k]);
		}
	}
}

static void check_cut(void)
{
	static const char *const names[] = { "mp3-dual-8k.mp3", "wav-dual-8k.wav" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len;
		AUTO(free) char *bytes = data_read(names[i], &len);
		struct sniff sniff = sniff_in_pieces(bytes, len - 1, len);

		OK(sniff.is_cut, "%s: one byte short is seen", names[i]);
		for (size_t at = 0; at < 700; at += 1) {
			struct sniff a = sniff_in_pieces(bytes, at, at + 1),
				     b = sniff_in_pieces(bytes, at, 1);

			if (!sniff_same(&a, &b))
				OK(false, "%s: cut at %zu: the same whole and in bytes", names[i],
				   at);
		}
	}
}

/* The verdict must come early: players wait for it. */
static void check_early(void)
{
	size_t len;
	AUTO(free) char *bytes = data_read("mp3-dual-8k.mp3", &len);
	struct sniff sniff;
	size_t at = 0;

	sniff_init(&sniff);
	for (; at < len && sniff.kind == AUDIO_UNKNOWN_YET; at++)
		sniff_feed(&sniff, bytes + at, 1);
	IS_INT(sniff.kind, AUDIO_MP3, "known to be MP3");
	IS_INT(at, 2 * 288 + 4, "with the third frame's header");
}

static void check_garbage_within(void)
{
	size_t len;
	AUTO(free) char *bytes = data_read("mp3-dual-8k.mp3", &len);
	AUTO(free) char *broken = xcalloc(1, len + 500);
	struct sniff sniff;

	memcpy(broken, bytes, 2880 + 100);
	memset(broken + 2880 + 100, 0xff, 500);
	memcpy(broken + 2880 + 600, bytes + 2880 + 100, len - 2880 - 100);
	sniff = sniff_in_pieces(broken, len + 500, len);
	IS_INT(sniff.kind, AUDIO_MP3, "garbage within: still MP3");
	OK(sniff_duration_ms(&sniff) >= 2016 && sniff_duration_ms(&sniff) <= 2232,
	   "its length is found again to two frames");

	struct sniff split = sniff_in_pieces(broken, len + 500, 5);

	OK(sniff_same(&sniff, &split), "the same in pieces");
}

static void check_few_frames(void)
{
	size_t len;
	AUTO(free) char *bytes = data_read("mp3-dual-8k.mp3", &len);
	struct sniff one = sniff_in_pieces(bytes, 288, 100), two = sniff_in_pieces(bytes, 576, 576);
	struct sniff more = sniff_in_pieces(bytes, 300, 300);

	IS_INT(one.kind, AUDIO_MP3, "one whole frame is an MP3");
	IS_INT(sniff_duration_ms(&one), 72, "of 72 ms");
	IS_INT(two.kind, AUDIO_MP3, "two are");
	IS_INT(more.kind, AUDIO_NOT, "one and a piece of another are not");
}

#define B(text)                           \
	{                                 \
		"" text, sizeof(text) - 1 \
	}
#define FORMAT "fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0"

static const struct {
	const char *name;
	struct str bytes;
	enum audio_kind kind;
	uint64_t duration_ms;
	const char *reason;
} shorts[] = {
	{ "nothing", B(""), AUDIO_NOT, 0, "nothing" },
	{ "a byte", B("\xff"), AUDIO_NOT, 0, "no audio that we know" },
	{ "JSON", B("{\"code\":20404}"), AUDIO_NOT, 0, "JSON" },
	{ "JSON behind spaces", B("\r\n  [1]"), AUDIO_NOT, 0, "JSON" },
	{ "XML", B("<?xml version='1.0'?><TwilioResponse/>"), AUDIO_NOT, 0, "an XML document" },
	{ "XML without a declaration", B("<TwilioResponse/>"), AUDIO_NOT, 0, "an XML document" },
	{ "XML behind a byte order mark", B("\xef\xbb\xbf<?xml?>"), AUDIO_NOT, 0,
	  "an XML document" },
	{ "HTML", B("<!DOCTYPE html><html></html>"), AUDIO_NOT, 0, "an HTML page" },
	{ "HTML without a type", B("\n<html><h1>502 Bad Gateway</h1>"), AUDIO_NOT, 0,
	  "an HTML page" },
	{ "two bytes of JSON", B("{}"), AUDIO_NOT, 0, "JSON" },
	{ "text", B("upstream request timeout"), AUDIO_NOT, 0, "no audio that we know" },
	{ "zeros", B("\0\0\0\0\0\0\0\0\0\0\0\0"), AUDIO_NOT, 0, "no audio that we know" },
	{ "an OggS", B("OggS\0\0\0\0\0\0\0\0"), AUDIO_NOT, 0, "no audio that we know" },
	{ "one header and text",
	  B("\xff\xe3\x48\xc4 and then text that is no frame, long enough to be looked at as one. "
	    "It goes on for 144 bytes, where the next header would have to stand, but does not."),
	  AUDIO_NOT, 0, "cut off before any sound" },
	{ "a tag alone", B("ID3\4\0\0\0\0\0\4abcd"), AUDIO_NOT, 0, "no audio that we know" },
	{ "a tag that promises more than there is",
	  B("ID3\4\0\0\0\0\x7f\x7f"
	    "abc"),
	  AUDIO_NOT, 0, "no audio that we know" },
	{ "a damaged tag", B("ID3\4\0\0\x80\0\0\4abcd"), AUDIO_NOT, 0, "a damaged ID3 tag" },
	{ "a tag, then XML", B("ID3\4\0\0\0\0\0\4abcd<?xml?>"), AUDIO_NOT, 0, "an XML document" },
	{ "an AVI", B("RIFF\x10\0\0\0AVI LIST"), AUDIO_NOT, 0, "a RIFF file, but no WAVE" },
	{ "a WAV of four samples", B("RIFF\x2c\0\0\0WAVE" FORMAT "data\x08\0\0\0abcdefgh"),
	  AUDIO_WAV, 0, NULL },
	{ "a WAV without sound", B("RIFF\x24\0\0\0WAVE" FORMAT "data\0\0\0\0"), AUDIO_NOT, 0,
	  "a WAV without sound" },
	{ "a WAV of 1 ms, of unknown length",
	  B("RIFF\0\0\0\0WAVE" FORMAT "data\0\0\0\0abcdefghabcdefgh"), AUDIO_WAV, 1, NULL },
	{ "a WAV with a chunk before its format",
	  B("RIFF\x3e\0\0\0WAVELIST\5\0\0\0INFO!\0" FORMAT "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_WAV, 1, NULL },
	{ "a WAV with a chunk behind its sound",
	  B("RIFF\x3e\0\0\0WAVE" FORMAT "data\x10\0\0\0abcdefghabcdefghLIST\2\0\0\0ab"), AUDIO_WAV,
	  1, NULL },
	{ "a WAV that has its sound first", B("RIFF\x2c\0\0\0WAVEdata\x08\0\0\0abcdefgh" FORMAT),
	  AUDIO_NOT, 0, "a WAV whose sound has no format" },
	{ "a WAV of no channels",
	  B("RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\0\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data"),
	  AUDIO_NOT, 0, "a WAV whose format is damaged" },
	{ "a WAV whose format is too small", B("RIFF\x2c\0\0\0WAVEfmt \x04\0\0\0\x01\0\x01\0data"),
	  AUDIO_NOT, 0, "a WAV whose format is damaged" },
	{ "a WAV that does not say how large a block is",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\0\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_WAV, 1, NULL },
	{ "a WAV that tells a wrong number of bytes a second",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x01\0\0\0\x02\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_WAV, 1, NULL },
	{ "a WAV of 64 channels",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x40\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_WAV, 1, NULL },
	{ "a WAV of 65",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x41\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_NOT, 0, "a WAV whose format is damaged" },
	{ "a WAV of 768 kHz",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x01\0\0\xb8\x0b\0\x80\x3e\0\0\x02\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_WAV, 0, NULL },
	{ "a WAV of more",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x01\0\x01\xb8\x0b\0\x80\x3e\0\0\x02\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_NOT, 0, "a WAV whose format is damaged" },
	{ "a WAV of no rate",
	  B("RIFF\x34\0\0\0WAVE"
	    "fmt \x10\0\0\0\x01\0\x01\0\0\0\0\0\x80\x3e\0\0\0\0\x10\0"
	    "data\x10\0\0\0abcdefghabcdefgh"),
	  AUDIO_NOT, 0, "a WAV whose format is damaged" },
	{ "half a WAV header",
	  B("RIFF\x2c\0\0\0WAVE"
	    "fmt "),
	  AUDIO_NOT, 0, "cut off before any sound" },
};

static void check_shorts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(shorts); i++) {
		struct str bytes = shorts[i].bytes;
		struct sniff whole = sniff_in_pieces(bytes.at, bytes.len, bytes.len + 1);

		IS_INT(whole.kind, shorts[i].kind, "%s", shorts[i].name);
		IS_INT(sniff_duration_ms(&whole), shorts[i].duration_ms, "%s: length",
		       shorts[i].name);
		if (shorts[i].reason)
			IS_STR(str_of(sniff_reason(&whole)), str_of(shorts[i].reason), "%s: reason",
			       shorts[i].name);
		for (size_t piece = 1; piece < 6; piece++) {
			struct sniff split = sniff_in_pieces(bytes.at, bytes.len, piece);

			OK(sniff_same(&whole, &split), "%s: the same in pieces of %zu",
			   shorts[i].name, piece);
		}
	}
}

int main(void)
{
	check_files();
	check_cut();
	check_early();
	check_garbage_within();
	check_few_frames();
	check_shorts();
	IS_STR(str_of(audio_extension(AUDIO_MP3)), STR("mp3"), "how MP3 is named");
	IS_STR(str_of(audio_extension(AUDIO_WAV)), STR("wav"), "how WAV is named");
	OK(!audio_extension(AUDIO_NOT), "what is not audio has no name");
	return tap_end();
}
