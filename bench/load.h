/*
 * The load: one thread, epoll, and one JSON object on standard output.
 *
 * Modes:
 *   steady    keep-alive connections, each asks again as soon as it is answered (or, with
 *             --rate, when its turn has come: then latency counts from the turn, not from the
 *             moment it could be sent); --webhooks: signed webhooks, each another; --paths: by turns
 *             those of a file; --guesses: beside them somebody guesses passwords; --sleeps: it
 *             waits asleep, because what it loads needs its core, too
 *   cold      N players ask at once, once each: when does the first byte come, and which status
 *   hold      N listeners stay connected until standard input ends: idle after one answer each,
 *             or, with --pace, reading that many bytes a second
 *   follow    N pages follow what changes, by WebSockets of the origin --url, until standard input ends
 */
#pragma once

#include "load_request.h"

/* Exit status; each prints its object. */
int load_steady(const struct load_options *options);
int load_cold(const struct load_options *options);
int load_hold(const struct load_options *options);
int load_follow(const struct load_options *options);
