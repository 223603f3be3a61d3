/*
 * What call number i of a large ledger is: made up, but always the same.
 *
 * A year of calls in the order in which they came: from and to some two hundred numbers of
 * the product's own (one of them has a quarter of all calls) and, at the other end, as many
 * customers as a fifth of the calls.  Most were completed and have one recording, which is
 * stored; a few have two, or one in any other state.  None waits to be fetched, so that a
 * server on such a ledger has nothing to do but to answer.
 *
 * A planned call has the values that its rows shall have; ledger_rows.h writes them, and
 * ledger_told.h tells the same by events, so that the two can be compared.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/recordings.h"

#include <stdint.h>

#define PLAN_RECORDINGS_MAX 2
#define PLAN_ACCOUNT        "AC0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
#define PLAN_URL            "https://api.twilio.com/2010-04-01/Accounts/" PLAN_ACCOUNT "/Recordings/"
#define PLAN_URL_SIZE       (sizeof(PLAN_URL) + SID_SIZE)

/* The file that all recordings are copies of. */
struct plan_media {
	uint64_t size;
	int64_t duration_s;
	char sha256[65];
};

struct planned_call {
	struct call call; /* id and changed_seq go on from where the place stood */
	/* Oldest first; the first is the main one. */
	struct recording recordings[PLAN_RECORDINGS_MAX];
	int64_t recording_ids[PLAN_RECORDINGS_MAX];
	int64_t recording_count;
};

/* What the calls before it have used up; zeroed for the first. */
struct plan_place {
	int64_t index, recordings, sequence;
};

/* Call place->index of `count`; moves the place behind it. */
void plan_call(struct plan_place *place, int64_t count, const struct plan_media *media,
	       struct planned_call *out);
/* What the recording's callback says that its address is. */
void plan_url(const struct recording *recording, char out[PLAN_URL_SIZE]);
