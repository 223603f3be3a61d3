/*
 * Which recordings a user began to play within the last hour.
 *
 * play_limit counts recordings, not plays: who hears one again, after a pause or on another loop, has not taken
 * another.  A table of fixed size, of keyed hashes; where a set is full the oldest goes, and that recording
 * counts once more.
 *
 * Thread: any; a mutex, held for some 50 ns, once a play.
 */
#pragma once

#include "base/compiler.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAYED_MS (60 * 60 * 1000)

struct played;

struct played *played_new(void);
void played_free(struct played *played);

/* Was it begun within the last hour?  `now_ms`: of the monotonic clock. */
bool played_lately(struct played *played, uint64_t user_id, const char *recording_sid,
		   int64_t now_ms) MUST_CHECK;
/* It begins now. */
void played_add(struct played *played, uint64_t user_id, const char *recording_sid, int64_t now_ms);
