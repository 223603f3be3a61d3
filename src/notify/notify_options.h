/*
 * What can be set of the webhooks that are sent.  A plain value; times in milliseconds, texts are borrowed.
 */
#pragma once

#include <stdint.h>

struct notify_options {
	const char *url;    /* whom to tell; NULL: nobody */
	const char *secret; /* signing.h */
	int64_t timeout_ms; /* for one try, all of it */
	int64_t retry_first_ms;
	int64_t give_up_after_ms;
};
