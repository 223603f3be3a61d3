/*
 * What can be set of the product's URLs.  A plain value; texts and lists are borrowed.
 */
#pragma once

#include <stdint.h>

/* In the order of "off on". */
enum web_switch { WEB_SWITCH_UNSET, WEB_OFF, WEB_ON };

struct web_options {
	int64_t play_wait_ms;    /* every play is answered, or cut, within it */
	uint64_t min_free_bytes; /* what the disk is to have left */
	const char *public_url;  /* what Twilio was configured with; NULL: webhooks are refused */
	const char *const *trusted_proxies; /* addresses, "10.0.0.0/8"; NULL-terminated */
	const char *const *cors_origins;    /* NULL-terminated */
	enum web_switch store_redirect;     /* players are sent to the bucket, where there is one */
	unsigned cache_entries;             /* open recordings a loop */
	unsigned events_max;                /* who may be told of changes at once, of a loop */
	int file_fd_max; /* the highest descriptor of a recording that is only kept for speed */
};
