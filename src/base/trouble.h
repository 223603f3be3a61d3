/*
 * Something that works again and again, and does not just now: since when, and why.  Told by who does it, on any thread, and read
 * by who tells people.
 */
#pragma once

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define TROUBLE_TEXT_SIZE 200

/* Zeroed with PTHREAD_MUTEX_INITIALIZER: TROUBLE_NONE. */
struct trouble {
	pthread_mutex_t mutex; /* guards what follows */
	int64_t since_ms,
		last_ms; /* monotonic: the first failure since it last worked, and the latest; 0: it works */
	char text[TROUBLE_TEXT_SIZE];
};
#define TROUBLE_NONE                               \
	{                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER \
	}

/* True: it worked until now. */
bool trouble_failed(struct trouble *trouble, const char *why);
/* True: it did not work until now. */
bool trouble_worked(struct trouble *trouble);

struct trouble_facts {  /* a plain value */
	int64_t for_ms; /* -1: it works, or nobody has tried for so long that it may again */
	char text[TROUBLE_TEXT_SIZE];
};
/* recent_ms: a failure that is older says nothing of now. */
void trouble_read(struct trouble *trouble, int64_t recent_ms, struct trouble_facts *out);
