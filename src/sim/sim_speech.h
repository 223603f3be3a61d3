/*
 * What the simulated Twilio's recordings are made of: short dialogues of real speech,
 * embedded as MP3 of two channels, and the other forms, made from it when first wanted.
 *
 * The media of a recording are a function of what stands in struct sim_media: the same
 * bytes each time they are asked for, other bytes for each recording (its SID stands in an ID3 tag or
 * a LIST chunk), and as long as wanted, by repeating the dialogue.
 *
 * Thread: one at a time.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_DIALOGUES     10
#define SIM_FRAME_SAMPLES 576 /* of an MP3 frame: 72 ms */

/* An embedded file: MP3 frames of one size and nothing else. */
struct sim_dialogue {
	const char *name;
	const char *at, *end;
};
extern const struct sim_dialogue sim_dialogues[SIM_DIALOGUES];

struct sim_speech;

struct sim_speech *sim_speech_new(void);
void sim_speech_free(struct sim_speech *speech);
DEFINE_AUTO(struct sim_speech *, sim_speech_free)

/* How long the dialogue is, once. */
int64_t sim_dialogue_ms(unsigned dialogue);

struct sim_media {
	struct str recording_sid;
	unsigned dialogue;   /* below SIM_DIALOGUES */
	int64_t duration_ms; /* rounded to whole frames */
	bool is_wav;         /* else MP3 */
	unsigned channels;   /* 1, 2 */
};

/* A file in memory (memfd), from its first byte; the caller closes *out_fd. */
bool sim_media_open(struct sim_speech *speech, const struct sim_media *media, int *out_fd,
		    uint64_t *out_size, struct err *err) MUST_CHECK;
