/*
 * Calls of the simulated Twilio and what becomes of them: asked for one by one, or placed
 * at a rate.
 *
 * Thread: the loop's.  Calls and their recordings are the simulation's until
 * sim_calls_stop().
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct sim_call;
struct sim_sealing;

/* What may be said about a call to be placed; zeroed: chosen by chance. */
struct sim_wish {
	struct str call_sid, recording_sid; /* of the first recording */
	struct str from, to, direction;
	struct str status;           /* final one of the call */
	struct str recording_status; /* "completed", "absent", "in-progress" */
	struct str source;
	int64_t duration_ms;
	int64_t age_ms;    /* it began so long ago */
	int recordings;    /* -1: by chance */
	unsigned channels; /* 0: two */
	int dialogue;      /* -1: by chance */
	int error_code;
	const struct sim_sealing *sealing; /* of its recordings; NULL: as the simulation has it */
	bool has_callbacks;
	bool is_past; /* it is over already: final state, no timeline */
	double speed; /* 0: the simulation's */
};
struct sim_wish sim_wish_any(void);
/* ERR_INVALID: a malformed or used SID, a status that there is not. */
bool sim_place(struct sim *sim, const struct sim_wish *wish, struct sim_call **out,
	       struct err *err) MUST_CHECK;
/* Places calls at the rate, if there is one. */
void sim_calls_start(struct sim *sim);
/* Ends all calls at once, without a callback, and frees them. */
void sim_calls_stop(struct sim *sim);
