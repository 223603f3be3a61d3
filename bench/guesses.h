/*
 * Somebody who guesses passwords from very many addresses, beside the load: POST /api/session at a fixed rate, each
 * from another address as a trusted proxy names it (X-Forwarded-For), one in two for a name that is somebody's.
 *
 * An answer is 401, 429 or 503; 200 counts as guessed, all else as an error.
 */
#pragma once

#include "base/compiler.h"
#include "client.h"
#include "load_request.h"

#include <stdbool.h>
#include <stdint.h>

#define GUESSERS     1024 /* connections of the proxy: more than passwords wait to be hashed */
#define GUESSED_NAME "victim"

struct guesses {
	const struct load_options *options;
	struct client *clients; /* NULL: nobody guesses */
	unsigned waiting[GUESSERS], waiting_count;
	uint64_t next; /* address */
	int64_t next_turn_ns, turn_ns;
	uint64_t answered, guessed, errors;
};

/* Their numbers in epoll are those behind options->connections. */
bool guesses_begin(struct guesses *guesses, const struct load_options *options,
		   int epoll_fd) MUST_CHECK;
void guesses_ask(struct guesses *guesses);                   /* those whose turn has come */
void guesses_came(struct guesses *guesses, unsigned number); /* of the guesser */
void guesses_free(struct guesses *guesses);
