/*
 * The queue: what is to be fetched (QUEUED and WAITING), which is nowhere but here.
 *
 * Who has slots claims what is due, so many rows as he has slots for; so memory does not grow with the
 * queue, and a start has nothing to read first.  A claim changes nothing: of a ledger in a file
 * there is one claimant, who names the recordings that he has at hand already.  Of one with several, each takes a lease of
 * what it found (cluster/leases.h).
 *
 * New recordings go before backfill; within a rank, what has been due longest goes first, of all accounts together.
 * Each account is walked on its own, so that the rows of one that may not be asked now stand in nobody's way.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_stmt;
struct retention;

#define QUEUE_CLAIM_MAX 256 /* rows of one claim: more slots are filled by the next */

struct lease_begun;

struct queue_row {
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
	enum recording_rank rank;
	int64_t next_try_at_ms, id;
	/* Where others fetch, too (cluster/leases.h). */
	struct kept kept;
	bool is_leased;            /* by this process, as the claim found it */
	struct lease_begun *begun; /* owned; NULL: no attempt was begun with the claim */
};

/* How much of a claim may be of an account. */
struct queue_share {
	char account_sid[SID_SIZE]; /* "": those whose account is not known */
	unsigned most;
	unsigned most_backfill; /* of them */
};

struct queue_claim {
	int64_t now_ms; /* wall clock: due is what is not later */
	unsigned most;  /* at most QUEUE_CLAIM_MAX */
	unsigned most_backfill;
	const struct retention *retention; /* of leases_claim(); NULL: nothing is too old */
	/* Those that are not named may have all of it. */
	const struct queue_share *shares;
	size_t share_count;
	/* What the claimant has already; sorted as by strcmp(). */
	const char (*skip)[SID_SIZE];
	size_t skip_count;
};

/* out has room for claim->most rows; in the order in which they are to be fetched. */
bool queue_claim(struct catalog *catalog, const struct queue_claim *claim, struct queue_row *out,
		 size_t *out_count, struct err *err) MUST_CHECK;

/*
 * The two dates that a claimant wants to know: when something becomes due that is not at now_ms, and whether something
 * waits for later than beyond_ms.  On a server both are asked ahead of the claim (db_ask()) and read after it.
 */
struct queue_dues {
	int64_t now_ms, beyond_ms;
	struct db_stmt *asked; /* to be read, or reset */
};
bool queue_ask_dues(struct catalog *catalog, struct queue_dues *dues, struct err *err) MUST_CHECK;
void queue_dues_release(struct queue_dues *dues); /* as often as you like */
bool queue_read_dues(struct catalog *catalog, struct queue_dues *dues, int64_t *out_next_ms,
		     bool *out_is_beyond, struct err *err) MUST_CHECK;

/* When something becomes due that is not at now_ms; RECORDING_NEVER: nothing will. */
bool queue_next_due(struct catalog *catalog, int64_t now_ms, int64_t *out_ms,
		    struct err *err) MUST_CHECK;

/* What has expired (WAITING for RECORDING_NEVER), by id, in pages; the end is a page with fewer than `size`. */
struct queue_expired {
	int64_t id; /* for the next page */
	char recording_sid[SID_SIZE];
	struct kept kept;
};
bool queue_expired(struct catalog *catalog, int64_t after_id, struct queue_expired *out,
		   size_t size, size_t *out_count, struct err *err) MUST_CHECK;
bool queue_count_expired(struct catalog *catalog, int64_t *out, struct err *err) MUST_CHECK;
/* Backfill that is due, or under way; what waits for a further try is not.  Walks over the queue's index. */
bool queue_count_backfill(struct catalog *catalog, int64_t now_ms, int64_t *out,
			  struct err *err) MUST_CHECK;

/*
 * ---- changing: the writer, within a transaction ----
 */

/*
 * Is kept longer now: due at at_ms, as backfill.  ERR_CONFLICT: it does not wait as expired (any more).
 */
bool queue_revive(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
		  struct err *err) MUST_CHECK;
/*
 * No wait is longer than most_ms: a row that says so was written by a clock that was wrong.  Up to
 * `size` of those rows become due at now_ms.
 */
bool queue_mend(struct catalog *catalog, int64_t now_ms, int64_t most_ms, size_t size,
		int64_t *out_mended, struct err *err) MUST_CHECK;

/* The statements, for their plans to be tested. */
extern const char queue_due_sql[], queue_due_shared_sql[], queue_next_account_sql[],
	queue_next_due_sql[];
