/*
 * Webhooks as Twilio sends them, made and signed before the clock starts: each of another call,
 * so that none is a repetition.  By turns the end of a call and the beginning of its recording;
 * not the recording's end, after which it would be fetched: here the intake alone is measured.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct webhooks {
	struct str *requests; /* whole: head and body */
	size_t count;
	char *bytes;
};

/* url: what is signed, without the path.  first: of the numbers that make the SIDs, so that runs differ. */
void webhooks_make(struct webhooks *webhooks, size_t count, size_t first, const char *url, const char *account,
		   const char *token);
void webhooks_free(struct webhooks *webhooks);
/* The SIDs of number n: 32 hexadecimal digits, without "CA" or "RE". */
void webhooks_sid(size_t n, char out[33]);
