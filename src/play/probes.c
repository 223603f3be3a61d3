/*
 * The media is an MP3 of silence: frames that say that they hold no sound, and whose rest decoders pass over.  That rest is
 * different in each frame, so that a byte of a wrong place is told from the right one.
 */
#include "play/probes.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, mono: 417 bytes without padding. */
#define FRAME_SIZE   417
#define FRAME_SILENT 21 /* the header and side information: main data of 0 bits */

#define TOKENS_KEPT 8
#define TOKEN_SIZE  9 /* of a name */

struct probes {
	pthread_mutex_t mutex;    /* guards the making of the media, and the tokens */
	_Atomic int64_t until_ms; /* monotonic; 0: nobody has begun */
	uint64_t number;
	struct token {
		char name[TOKEN_SIZE];
		int64_t until_ms; /* monotonic */
	} tokens[TOKENS_KEPT];
	unsigned next_token;
	struct probes_media media; /* complete before until_ms is set */
};

struct probes *probes_new(void)
{
	struct probes *probes = xcalloc(1, sizeof(*probes));

	pthread_mutex_init(&probes->mutex, NULL);
	random_bytes(&probes->number, sizeof(probes->number));
	probes->media.fd = -1;
	return probes;
}

void probes_free(struct probes *probes)
{
	if (!probes)
		return;
	if (probes->media.fd >= 0)
		close(probes->media.fd);
	pthread_mutex_destroy(&probes->mutex);
	free(probes);
}

const struct probes_media *probes_media(const struct probes *probes)
{
	return &probes->media;
}

/* Never 0xff, with which a frame begins. */
static uint8_t filler(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint8_t)(*state >> 33) & 0x7f;
}

static void write_frames(uint8_t *bytes, size_t size)
{
	static const uint8_t header[] = { 0xff, 0xfb, 0x90, 0xc4 };
	uint64_t state = 1;

	for (size_t at = 0; at < size; at += FRAME_SIZE) {
		memcpy(bytes + at, header, sizeof(header));
		memset(bytes + at + sizeof(header), 0, FRAME_SILENT - sizeof(header));
		for (size_t i = FRAME_SILENT; i < FRAME_SIZE; i++)
			bytes[at + i] = filler(&state);
	}
}

static bool make_media(struct probes_media *media, struct err *err)
{
	size_t size = PROBES_SIZE / FRAME_SIZE * FRAME_SIZE;
	AUTO(close) int fd = memfd_create("probe", MFD_CLOEXEC);
	AUTO(free) uint8_t *bytes = xmalloc(size);
	uint8_t hash[SHA256_BYTES];
	struct buf digest;

	write_frames(bytes, size);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return err_errno(err, "cannot make what is played");
	sha256_of((struct str){ (const char *)bytes, size }, hash);
	buf_over(&digest, media->sha256, sizeof(media->sha256));
	hex_add(&digest, hash, sizeof(hash));
	media->size = size;
	media->made_at_ms = clock_wall_ms();
	media->fd = TAKE_FD(fd);
	return true;
}

bool probes_begin(struct probes *probes, int64_t now_ms, struct err *err)
{
	bool is_made;

	pthread_mutex_lock(&probes->mutex);
	is_made = probes->media.fd >= 0 || make_media(&probes->media, err);
	if (is_made)
		probes->until_ms = now_ms + PROBES_MS;
	pthread_mutex_unlock(&probes->mutex);
	return is_made;
}

void probes_note_token(struct probes *probes, const char *name, int64_t now_ms)
{
	struct token *token;

	pthread_mutex_lock(&probes->mutex);
	token = &probes->tokens[probes->next_token++ % TOKENS_KEPT];
	str_fit(str_of(name), token->name, TOKEN_SIZE);
	token->until_ms = now_ms + PROBES_MS;
	pthread_mutex_unlock(&probes->mutex);
}

bool probes_has_token(struct probes *probes, struct str name, int64_t now_ms)
{
	bool has = false;

	pthread_mutex_lock(&probes->mutex);
	for (unsigned i = 0; i < TOKENS_KEPT; i++)
		has |= now_ms < probes->tokens[i].until_ms &&
		       str_eq(name, str_of(probes->tokens[i].name));
	pthread_mutex_unlock(&probes->mutex);
	return has;
}

void probes_sid(const struct probes *probes, enum probe probe, const char *prefix,
		char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%s" PROBES_RESERVED "%015llx%x", prefix,
		 (unsigned long long)(probes->number >> 4), (unsigned)probe);
}

enum probe probes_find(const struct probes *probes, struct str sid, int64_t now_ms)
{
	struct str digits = str_after(sid, 2);
	char own[SID_SIZE];

	if (!probes_is_reserved(sid))
		return PROBE_NONE;
	if (!probes || now_ms >= probes->until_ms)
		return PROBE_MISSING;
	for (enum probe probe = PROBE_STORED; probe < PROBE_KINDS; probe++) {
		probes_sid(probes, probe, "CA", own);
		if (str_eq(digits, str_of(own + 2)))
			return probe;
	}
	return PROBE_MISSING;
}
