/*
 * What can be set of fetching.  A plain value; times in milliseconds, texts and lists are borrowed.
 */
#pragma once

#include <stdint.h>

struct retention;

struct flight_options {
	const char *format;    /* "mp3" or "wav": what is asked for */
	unsigned concurrency;  /* flights at once */
	unsigned player_slots; /* so many more for flights that somebody waits for */
	int64_t connect_timeout_ms;
	int64_t stall_timeout_ms;
	int64_t give_up_after_ms; /* from the first try of a round to the dead letter */
	int64_t retry_first_ms, retry_most_ms;
	const char *proxy, *ca_file; /* NULL: none, the system's */
	/* NULL-terminated: hosts that RecordingUrl may name; with the API's, those that may be private. */
	const char *const *media_hosts, *const *allowed_hosts;
	const struct retention
		*retention; /* what would be removed at once is not fetched; NULL: all is */
	int64_t reconcile_interval_ms; /* 0, INT64_MAX: Twilio's list is not read */
	uint64_t min_free_bytes;       /* fetching pauses below */
	unsigned kept_files_max;       /* files begun that flights hold open between two tries */
	unsigned followed_max; /* recordings at once that other processes fetch (follow.h) */
};
