/*
 * What the jobs of a turn are going to ask of their recordings, asked for all of them at once, with the begin of the turn.
 *
 * Of several processes on a server one at a time has a turn, so that each answer that it waits for is waited for by all.  Jobs that end
 * flights, or note a digest, ask the same few things of one recording each.  Who runs them names those recordings before
 * catalog_begin(); what asks later finds the answer here, and goes to the server where it does not.
 *
 * An answer holds as long as nobody has written what it tells.  So it is forgotten with the first change that the recording sees
 * in this transaction, and who runs the jobs says after each what else it may have changed (foreseen_forget()).  That a
 * process has a lease of a recording stays true for the rest of its turn: only turns take leases away (cluster/leases.h).
 *
 * Of a ledger in a file nothing is foreseen: there a question costs less than remembering its answer.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/main_recording.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

#define FORESEEN_MAX \
	256 /* recordings of a turn; what is named beyond that is asked for when it is wanted */

struct foreseen {
	char recording_sid[SID_SIZE];
	bool is_changed; /* by this transaction: of the place and the generation nothing is known any more */
	struct recording_place place; /* as recording_place_find() would say */
	int64_t generation;
	int64_t first_try_at_ms; /* of its round; 0 not tried */
	int64_t lease_process;   /* who has the lease; 0: nobody had */
	int64_t open_attempt;    /* the one that was begun last and has not ended; 0: none */
};

/* Before catalog_begin(), whose transaction it is for.  The texts are copied; a SID that was named is passed over. */
void catalog_foresee(struct catalog *catalog, struct str recording_sid);

/* Within that transaction.  NULL: it is not known, and to be asked for. */
struct foreseen *foreseen_find(struct catalog *catalog, struct str recording_sid);
struct foreseen *foreseen_find_attempt(struct catalog *catalog, int64_t attempt_id);
/* Somebody may have changed it, or its call; at == NULL: any. */
void foreseen_forget(struct catalog *catalog, struct str recording_sid);
