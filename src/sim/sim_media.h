/*
 * Files of the simulated Twilio in memory: a head that names the recording, then a
 * pattern of sound repeated up to a length.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_RATE 8000 /* Hz, of all of them */

struct sim_pattern {
	const char *at;
	size_t len;
};

/* An ID3v2.3 tag with the SID, then `length` bytes of frames. */
bool sim_media_write_mp3(struct str recording_sid, const struct sim_pattern *pattern,
			 uint64_t length, int *out_fd, uint64_t *out_size,
			 struct err *err) MUST_CHECK;
/* 16 bit, SIM_RATE; a LIST chunk with the SID, then `length` bytes of samples. */
bool sim_media_write_wav(struct str recording_sid, const struct sim_pattern *pattern,
			 unsigned channels, uint64_t length, int *out_fd, uint64_t *out_size,
			 struct err *err) MUST_CHECK;

/* The layer III frame that begins there, in bytes; 0 when none does. */
size_t sim_mp3_frame_size(const char *at, size_t len);
/* Where the first frame with sound begins: behind tags and a Xing or Info frame. */
size_t sim_mp3_first_frame(const char *at, size_t len);
