/*
 * Twilio's Recordings list read back over a time that somebody asked for (callspool import --since): what was recorded
 * before callspool was there, or is older than reconciling goes back.
 *
 * What is asked is a row of the ledger for each account (catalog/imports.h), and so is the page that was read last, written
 * in the transaction of its recordings: a start goes on where the process before it was killed.  One account at a
 * time.  What fails is tried again, with a wait that doubles.  What is found is fetched as backfill, behind all that is
 * new; what is older than recordings are kept is entered, counted and not fetched.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include <stdint.h>

struct backfill;
struct import;
struct rest_env;

/* `asked` and what is under way, as one: true, and *out says what is to be done, or there is nothing to change.  Pure. */
enum backfill_merge {
	BACKFILL_GOES_ON, /* it covers what is asked, and has not come to its end */
	BACKFILL_BEGINS,  /* *out is to be written */
};
/*
 * What is asked now (its days and asked_at_ms) beside the account's row: a range that is under way and covers it goes on where
 * it is; one that does not is widened, and begins anew, as does one that was completed.
 */
enum backfill_merge backfill_merge(const struct import *row, const struct import *asked,
				   struct import *out);

/* Looks into the ledger when the loop runs.  keep_ms: what began longer ago is too old; INT64_MAX: nothing is. */
struct backfill *backfill_start(const struct rest_env *env, int64_t keep_ms);
/* The rules have changed: of what is listed from now on.  NULL does nothing. */
void backfill_change(struct backfill *backfill, int64_t keep_ms);
/* Something was asked for. */
void backfill_wake(struct backfill *backfill);
/* After the mailbox of env was closed.  NULL does nothing. */
void backfill_free(struct backfill *backfill);
