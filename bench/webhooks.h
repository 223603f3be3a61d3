/*
 * Webhooks as Twilio sends them, made and signed before the clock starts: each of another call,
 * so that none is a repetition.  By turns the end of a call and the beginning of its recording;
 * the recording's end, after which it is fetched, only when asked for: mostly the
 * intake alone is measured.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct webhooks {
	struct str *requests; /* whole: head and body */
	size_t count;
	char *bytes;
};

struct webhooks_options {
	size_t count;
	size_t first;            /* of the numbers that make the SIDs, so that runs differ */
	const char *completed_s; /* a duration: recordings that are complete; NULL: as above */
	const char *url;         /* what is signed, without the path */
	const char *account, *token;
};

void webhooks_make(struct webhooks *webhooks, const struct webhooks_options *options);
void webhooks_free(struct webhooks *webhooks);
/* The SIDs of number n: 32 hexadecimal digits, without "CA" or "RE". */
void webhooks_sid(size_t n, char out[33]);
