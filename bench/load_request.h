/*
 * What the load is to send, and to whom: read from the command line by load.c, followed by each mode.
 */
#pragma once

#include "base/str.h"
#include "webhooks.h"

#include <stddef.h>
#include <stdint.h>

#define LOAD_PIDS_MAX 16

struct load_options {
	const char *mode;
	unsigned port, connections;
	double seconds;
	const char *path, *range; /* range: NULL for none */
	const char *paths;        /* steady: a file of many, instead of path and length (paths.h) */
	const char *header;       /* one more line of the head; NULL: none */
	int status;               /* expected */
	uint64_t length;          /* expected; 0: any */
	unsigned pids[LOAD_PIDS_MAX], pid_count; /* whose processor time is measured */
	double rate;                             /* requests a second; 0: as many as can be */
	uint64_t pace;                           /* hold: bytes a second */
	uint64_t guesses;  /* steady: of so many addresses beside the rest (guesses.h); 0: none */
	double guess_rate; /* a second */
	bool sleeps;       /* steady: while nobody answers, in place of looking again at once */
	struct webhooks_options webhooks; /* steady: instead of path and range, when count > 0 */
};

/* The request of the options, into an array of the caller's. */
struct str load_request(const struct load_options *options, char *text, size_t size);
