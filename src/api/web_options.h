/*
 * What can be set of the product's URLs.  A plain value; texts and lists are borrowed.
 */
#pragma once

#include <stdint.h>

struct web_options {
	int64_t play_wait_ms;    /* every play is answered, or cut, within it */
	uint64_t min_free_bytes; /* what the disk is to have left */
	const char *public_url;  /* what Twilio was configured with; NULL: webhooks are refused */
	const char *const *trusted_proxies; /* addresses, "10.0.0.0/8"; NULL-terminated */
	const char *const *cors_origins;    /* NULL-terminated */
	unsigned cache_entries;             /* open recordings a loop */
	unsigned events_max;                /* who may be told of changes at once, of a loop */
	int file_fd_max; /* the highest descriptor of a recording that is only kept for speed */
};
