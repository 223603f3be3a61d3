/*
 * The spool: fetches every recording that the ledger knows of, on a thread of its own.
 *
 * spool_open() puts it together, spool_start() brings back what an earlier process left
 * (recovery.h) and starts the thread.  Serving loops reach it by batons and nudges (mirror.h).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "spool/flight_gear.h"
#include "spool/scheduler.h"

#include <stdbool.h>

struct accounts;
struct baton;
struct blob_store;
struct inquest;
struct ledger;
struct spool;

/* All that is handed in is borrowed and outlives the spool.  Before ledger_start(). */
bool spool_open(const struct spool_options *options, struct ledger *ledger,
		struct blob_store *store, const struct accounts *accounts, struct spool **out,
		struct err *err) MUST_CHECK;
/* After ledger_start(). */
bool spool_start(struct spool *spool, struct err *err) MUST_CHECK;
/* Ends the thread; flights are left as they are, to be resumed by the next start.  Before ledger_stop(). */
void spool_stop(struct spool *spool);
/*
 * After spool_stop(): hands to the ledger what is to be committed; and once more after ledger_stop(), before
 * the serving loops' mailboxes are freed: what is under way comes to rest.
 */
void spool_drain(struct spool *spool);
void spool_free(struct spool *spool); /* after the mirrors of all loops */
DEFINE_AUTO(struct spool *, spool_free)

/* From any thread. */
void spool_take_baton(struct baton *baton);
void spool_nudge(struct spool *spool, const char *recording_sid);
void spool_retry(struct spool *spool, const char *recording_sid, const char *call_sid,
		 const char *account_sid);
/* A player waits for a byte ahead of a flight: it may be fetched on its own (seeks.h). */
void spool_seek(struct spool *spool, const char *recording_sid, int64_t generation, uint64_t byte);
/* Asks Twilio about a SID that the ledger does not know (discovery.h); takes the inquest. */
void spool_inquire(struct spool *spool, struct inquest *inquest);
