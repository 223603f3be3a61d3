/*
 * Which recording the address of a call means, and what else follows a change of a recording's state.  For this room and
 * projection/ alone.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

/* Where a recording stands: what its changes need to know. */
struct recording_place {
	int64_t id;
	int64_t call_id;            /* 0: its call is not known */
	enum recording_state state; /* RECORDING_STATES: it is new */
	uint64_t size;
	bool is_held;
	bool is_hold_changed;      /* it is set, or lifted, now: is_held is how it was */
	bool is_main_fixed;        /* its call's, and these two */
	int64_t main_recording_id; /* 0: it has none yet */
	int64_t call_recordings;   /* that the call counts; of a call that is not known 0 */
	bool is_completed;   /* its completed event is being applied: it may become the main one */
	bool is_new_to_call; /* its call does not count it yet */
};

/*
 * Counts a recording's change from place->state to `to` (its row says so already),
 * and keeps its call's main recording, group, count and changed_seq right; what *place says of its call follows.
 * *out_is_main (may be NULL): it was fixed as the main recording now.
 */
bool recording_moved(struct catalog *catalog, struct recording_place *place,
		     enum recording_state to, int64_t changed_seq, bool *out_is_main,
		     struct err *err) MUST_CHECK;
