/*
 * How the receiver is doing, and so how much may be sent to it at once.
 *
 *	WELL     as many at once as it takes: one more with each success, half with each failure
 *	AILING   RECEIVER_AILING failures in a row: one at a time, with a wait that doubles; one success ends it
 *	GONE     it said 410: nothing is sent until somebody says so
 *
 * What is wrong with one notice alone is none of this: successes come between.  Pure but for what it is given.
 */
#pragma once

#include "fetch/transfer_outcome.h"

#include <stdbool.h>
#include <stdint.h>

#define RECEIVER_SLOTS  8 /* at once */
#define RECEIVER_AILING 3
/* A receiver that is back is noticed within it, and a Retry-After believed as for a recording. */
#define RECEIVER_WAIT_MOST_MS        (60 * 1000)
#define RECEIVER_RETRY_AFTER_MOST_MS (60 * 60 * 1000)

enum receiver_word {
	RECEIVER_TOOK,    /* 2xx, whatever came after that status */
	RECEIVER_REFUSED, /* any other status, or none */
	RECEIVER_LEFT,    /* 410 */
};

/* What an answer means; status 0: none came.  A redirect is not followed, and is no success. */
enum receiver_word receiver_judge(int status);

/* A plain value; instants: monotonic, 0 none. */
struct receiver {
	unsigned allowed;  /* at once, while it is well */
	unsigned failures; /* in a row */
	int64_t paused_until_ms, failing_since_ms;
	bool is_gone;
};

void receiver_init(struct receiver *receiver);
/* How many may be under way at this time. */
unsigned receiver_room(const struct receiver *receiver, int64_t now_ms);
/* In so many ms there is room, were nothing under way; 0: there is; -1: not by waiting. */
int64_t receiver_wait_ms(const struct receiver *receiver, int64_t now_ms);
/* What came of a try; retry_after_ms -1: not said.  `random`: any 64 random bits. */
void receiver_told(struct receiver *receiver, enum receiver_word word, int64_t retry_after_ms,
		   int64_t retry_first_ms, int64_t now_ms, uint64_t random);
/* Somebody says that it is there (again): it is tried at once, and has its time anew before anything is given up. */
void receiver_resume(struct receiver *receiver, int64_t now_ms);
static inline bool receiver_is_ailing(const struct receiver *receiver)
{
	return receiver->failures >= RECEIVER_AILING;
}
