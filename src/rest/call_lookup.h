/*
 * Asking Twilio what a call was that is known by its recording alone (Calls/{CA}.json), so that from, to,
 * direction and status are there although only the recording callback was configured.
 *
 * One call at a time, so many a second at most, and none while transfers wait for their turn: plays and
 * fetches come first.  What is refused or not there is not asked for again; a call that has not ended is asked
 * for later, for a day at most; one of which no answer came until there is one, ever less often.  The plan
 * is in the ledger (catalog/call_asks.h) and outlives the process.
 *
 * Thread: the fetching loop.
 */
#pragma once

struct call_lookup;
struct rest_env;

/* Begins to look when the loop runs. */
struct call_lookup *call_lookup_start(const struct rest_env *env);
/* After the mailbox of env was closed. */
void call_lookup_free(struct call_lookup *lookup);
