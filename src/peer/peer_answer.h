/*
 * What another process answers that was asked for a recording on its way to it (play/peer_play.h): its head, and the
 * body of an error.  Pure; foreign bytes in, plain values out.  Headers that are not known are passed over, for the other may be
 * of another version.
 */
#pragma once

#include "base/str.h"
#include "fetch/transfer_head.h"

#include <stdbool.h>
#include <stdint.h>

#define PEER_PATH          "/internal/media/"
#define PEER_GENERATION    "Callspool-Generation"
#define PEER_GENERATION_AT "Callspool-Generation-At" /* milliseconds, wall clock */
#define PEER_POINTLESS     "Callspool-Pointless"     /* "1": to wait for the next try */

#define PEER_SIZE_UNKNOWN UINT64_MAX

/* What is ours of a head.  All zero: nothing was said. */
struct peer_head {
	int64_t generation, generation_at_ms; /* 0: not said, or not a number above 0 */
	bool is_pointless;
};
/* One line, with or without its CR LF.  A status line begins the head anew. */
void peer_head_line(struct peer_head *head, struct str line);

enum peer_answer {
	PEER_MEDIA,     /* the media follows */
	PEER_ELSEWHERE, /* it does not fetch this recording */
	PEER_STRANGER,  /* it does not know our token: its own is another by now */
	PEER_OTHER,     /* what is there is another generation than the one asked for */
	PEER_WAITS,     /* nothing is there yet; the body may say why */
	PEER_STRANGE,   /* no answer of ours */
};

/* What was asked for. */
struct peer_want {
	uint64_t first; /* byte; 0: all of it */
	bool is_matched;
};

struct peer_media {
	int64_t generation, generation_at_ms;
	uint64_t size;     /* of all of it; or PEER_SIZE_UNKNOWN */
	char etag[128];    /* strong; "" while the size is not known */
	uint64_t position; /* where in the media the body begins */
};
/* *out is filled for PEER_MEDIA alone. */
enum peer_answer peer_answer_read(const struct transfer_head *head, const struct peer_head *own,
				  const struct peer_want *want, struct peer_media *out);

#define PEER_CODE_SIZE 32
#define PEER_TEXT_SIZE 256

/* Why it waits, as players are told.  "": it does not say. */
struct peer_reason {
	char code[PEER_CODE_SIZE]; /* lower case letters, digits and '_' */
	char text[PEER_TEXT_SIZE];
};
void peer_reason_read(struct str body, struct peer_reason *out);
