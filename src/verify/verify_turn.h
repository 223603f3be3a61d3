/*
 * A step of a pass: some rows and their files, or one folder and its rows.
 *
 *	plan (a reader): which pass is due, and what of it comes next
 *	  -> look (the worker): at each file; or the names of the folder
 *	  -> compare (a reader, some names at a time): folders alone
 *	  -> write (the writer): each fault, then the cursor behind it
 *
 * A pass that was asked for goes before that which goes on by itself.  Of that one a step is due when as much of its time
 * has gone as of its rows: so a day in which no server ran is caught up with, and a small store is not read in one go.
 *
 * Thread: the loop of the env.
 */
#pragma once

#include "base/err.h"
#include "chores/verifications.h"

#include <stdbool.h>
#include <stdint.h>

struct verify_env;
struct verify_turn;

enum verify_outcome {
	VERIFY_IDLE,    /* nothing is due: look again in wait_ms */
	VERIFY_STEPPED, /* there may be more */
	VERIFY_HELD_UP, /* `err`: not the fault of what was looked at */
};

struct verify_result {
	enum verify_outcome outcome;
	enum verification_pass pass;
	int64_t wait_ms;
	uint64_t read; /* bytes */
	int64_t took_ms;
	unsigned faults; /* that are being mended */
	struct err err;
};

/* ended() is called once for each verify_turn_start(), on the loop, in a later turn of it. */
struct verify_turn *verify_turn_new(const struct verify_env *env, void *owner,
				    void (*ended)(void *owner, const struct verify_result *result));
void verify_turn_start(struct verify_turn *turn);
void verify_turn_free(
	struct verify_turn *turn); /* after the loop, workers and ledger; NULL does nothing */
