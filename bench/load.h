/*
 * The load: one thread, epoll, and one JSON object on standard output.
 *
 * Modes:
 *   steady    keep-alive connections, each asks again as soon as it is answered (or, with
 *             --rate, when its turn has come: then latency counts from the turn, not from the
 *             moment it could be sent); --webhooks: signed webhooks, each another
 *   cold      N players ask at once, once each: when does the first byte come, and which status
 *   hold      N listeners stay connected until standard input ends: idle after one answer each,
 *             or, with --pace, reading that many bytes a second
 */
#pragma once

#include "base/str.h"
#include "webhooks.h"

#include <stdbool.h>
#include <stdint.h>

#define LOAD_PIDS_MAX 16

struct load_options {
	const char *mode;
	unsigned port, connections;
	double seconds;
	const char *path, *range;                /* range: NULL for none */
	int status;                              /* expected */
	uint64_t length;                         /* expected; 0: any */
	unsigned pids[LOAD_PIDS_MAX], pid_count; /* whose processor time is measured */
	double rate;                             /* requests a second; 0: as many as can be */
	uint64_t pace;                           /* hold: bytes a second */
	struct webhooks_options webhooks; /* steady: instead of path and range, when count > 0 */
};

/* Exit status; each prints its object. */
int load_steady(const struct load_options *options);
int load_cold(const struct load_options *options);
int load_hold(const struct load_options *options);

/* The request of the options, into an array of the caller's. */
struct str load_request(const struct load_options *options, char *text, size_t size);
