/*
 * Reconciliation: Twilio's Recordings list is read again and again, so that a recording whose webhook was
 * lost, or that has none (SIP trunks), is found all the same, whatever came in between.
 *
 * A pass reads the list of one account, newest first (list_walk.h), back to an hour before the start of the last
 * pass that was completed, or to the oldest recording that had not ended then.  The ledger keeps that edge
 * (catalog/reconciliations.h): after an outage of any length a pass goes back over all of it.  The first goes
 * back as far as recordings are kept, and one each night 48 hours.  A pass that fails does not move the edge and
 * is tried again, with a wait that doubles.
 *
 * Passes begin when the loop runs, and then every interval, a little less by chance; one account at a time.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct reconcile;
struct reconciliation;
struct rest_env;

struct reconcile_options {
	int64_t interval_ms; /* 0 or INT64_MAX: never */
	int64_t reach_ms;    /* the first pass goes back so far; INT64_MAX: to the beginning */
};

/* How far a pass that begins now goes back.  Pure. */
struct reconcile_plan {
	int64_t since_ms; /* 0: to the beginning */
	bool is_deep;     /* the first one, or the night's */
};
struct reconcile_plan reconcile_plan(const struct reconciliation *last, int64_t reach_ms,
				     int64_t now_ms);

/* Is it an interval, or does it say never? */
bool reconcile_is_wanted(int64_t interval_ms);
/* NULL: never, or of no account. */
struct reconcile *reconcile_start(const struct rest_env *env,
				  const struct reconcile_options *options);
/* The next pass comes by so much sooner or later as the interval is shorter or longer. */
void reconcile_change(struct reconcile *reconcile, const struct reconcile_options *options);
/* After the mailbox of env was closed. */
void reconcile_free(struct reconcile *reconcile);
