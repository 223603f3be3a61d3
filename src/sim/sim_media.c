#include "sim/sim_media.h"

#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/own.h"

/* MPEG 2.5 and 2 alone: what 8 kHz speech is; and no table of all that audio/sniff.c knows. */
size_t sim_mp3_frame_size(const char *at, size_t len)
{
	static const uint16_t kbits[16] = { 0,  8,  16, 24,  32,  40,  48,  56,
					    64, 80, 96, 112, 128, 144, 160, 0 };
	const unsigned char *head = (const unsigned char *)at;

	if (len < 4 || head[0] != 0xff || (head[1] & 0xfe) != 0xe2 || (head[2] & 0x0c) != 8)
		return 0;
	return 72000u * kbits[head[2] >> 4] / SIM_RATE + ((head[2] >> 1) & 1);
}

size_t sim_mp3_first_frame(const char *at, size_t len)
{
	const unsigned char *head = (const unsigned char *)at;
	size_t start = 0;

	if (len > 10 && memcmp(at, "ID3", 3) == 0)
		start = 10 + ((size_t)head[6] << 21 | (size_t)head[7] << 14 | (size_t)head[8] << 7 |
			      head[9]);
	if (start >= len)
		return len;

	struct str rest = { at + start, len - start };
	struct str frame = str_first(rest, sim_mp3_frame_size(rest.at, rest.len));

	if (str_find_str(frame, STR("Info")) < frame.len ||
	    str_find_str(frame, STR("Xing")) < frame.len)
		start += frame.len;
	return start;
}

static bool media_write(const struct buf *head, const struct sim_pattern *pattern, uint64_t length,
			int *out_fd, uint64_t *out_size, struct err *err)
{
	AUTO(close) int fd = memfd_create("media", MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "cannot create a file in memory");
	if (!file_write_all(fd, head->at, head->len, err))
		return false;
	for (uint64_t left = length; left > 0;) {
		size_t n = left < pattern->len ? (size_t)left : pattern->len;

		if (!file_write_all(fd, pattern->at, n, err))
			return false;
		left -= n;
	}
	*out_size = head->len + length;
	*out_fd = TAKE_FD(fd);
	return true;
}

static void add_be32(struct buf *buf, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_byte(buf, (char)(n >> shift));
}

static void add_le(struct buf *buf, uint32_t n, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_add_byte(buf, (char)(n >> (8 * i)));
}

bool sim_media_write_mp3(struct str recording_sid, const struct sim_pattern *pattern,
			 uint64_t length, int *out_fd, uint64_t *out_size, struct err *err)
{
	/* One TXXX frame: encoding, description, NUL, text.  Sizes below 128 are the same as syncsafe ones. */
	uint32_t text_size = 1 + sizeof("RecordingSid") + (uint32_t)recording_sid.len;
	char array[256];
	struct buf head;

	buf_over(&head, array, sizeof(array));
	buf_add(&head, "ID3\3\0\0", 6);
	add_be32(&head, 10 + text_size);
	buf_add(&head, "TXXX", 4);
	add_be32(&head, text_size);
	buf_add(&head, "\0\0\0RecordingSid\0", 3 + sizeof("RecordingSid"));
	buf_add_str(&head, recording_sid);
	return media_write(&head, pattern, length, out_fd, out_size, err);
}

bool sim_media_write_wav(struct str recording_sid, const struct sim_pattern *pattern,
			 unsigned channels, uint64_t length, int *out_fd, uint64_t *out_size,
			 struct err *err)
{
	uint32_t align = 2 * channels, comment = (uint32_t)(recording_sid.len + 1) & ~1u;
	uint32_t list = 4 + 8 + comment;
	char array[256];
	struct buf head;

	if (length > UINT32_MAX - 256)
		return err_set(err, ERR_INVALID, "a WAV of %llu bytes is too long",
			       (unsigned long long)length);
	buf_over(&head, array, sizeof(array));
	buf_add(&head, "RIFF", 4);
	add_le(&head, 4 + 8 + 16 + 8 + list + 8 + (uint32_t)length, 4);
	buf_add(&head, "WAVEfmt ", 8);
	add_le(&head, 16, 4);
	add_le(&head, 1, 2);
	add_le(&head, channels, 2);
	add_le(&head, SIM_RATE, 4);
	add_le(&head, SIM_RATE * align, 4);
	add_le(&head, align, 2);
	add_le(&head, 16, 2);
	buf_add(&head, "LIST", 4);
	add_le(&head, list, 4);
	buf_add(&head, "INFOICMT", 8);
	add_le(&head, comment, 4);
	buf_add_str(&head, recording_sid);
	if (comment > recording_sid.len)
		buf_add_byte(&head, '\0');
	buf_add(&head, "data", 4);
	add_le(&head, (uint32_t)length, 4);
	return media_write(&head, pattern, length, out_fd, out_size, err);
}
