/*
 * The fetcher: fetches every recording that the ledger knows of, on a thread of its own.
 *
 * fetcher_open() puts it together, fetcher_start() brings back what an earlier process left
 * (recovery.h) and starts the thread.  Serving loops reach it by updates and nudges (mirror.h).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "dispatch/scheduler.h"
#include "flights/flight_env.h"

#include <stdbool.h>

struct accounts;
struct arriving_table;
struct flight_counts;
struct flight_update;
struct blob_store;
struct discovery_request;
struct ledger;
struct loop_times;
struct mailbox;
struct peer_counts;
struct trouble_facts;
struct fetcher;
struct upstream_facts;
struct vault;
struct workers;

/* All that is handed in is borrowed and outlives the fetcher.  Before ledger_start(). */
bool fetcher_open(const struct flight_options *options, struct ledger *ledger,
		  struct blob_store *store, const struct accounts *accounts, struct fetcher **out,
		  struct err *err) MUST_CHECK;
enum fetcher_work {
	FETCHER_FETCHES,
	FETCHER_LISTS, /* reads Twilio's list where that was asked for (rest/backfill.h), and fetches nothing */
};
/* Before fetcher_start(): private keys for what is encrypted; it outlives the fetcher. */
void fetcher_use_vault(struct fetcher *fetcher, struct vault *vault);
/* After ledger_start(). */
bool fetcher_start(struct fetcher *fetcher, enum fetcher_work work, struct err *err) MUST_CHECK;
/* Ends the thread; flights are left as they are, to be resumed by the next start.  Before ledger_stop(). */
void fetcher_stop(struct fetcher *fetcher);
/*
 * After fetcher_stop(): hands to the ledger what is to be committed; and once more after ledger_stop(), before
 * the serving loops' mailboxes are freed: what is under way comes to rest.
 */
void fetcher_drain(struct fetcher *fetcher);
void fetcher_free(struct fetcher *fetcher); /* after the mirrors of all loops */
DEFINE_AUTO(struct fetcher *, fetcher_free)

/* From any thread. */
void fetcher_take_update(struct flight_update *update);
void fetcher_nudge(struct fetcher *fetcher, const char *recording_sid);
/* It was queued anew by that request (REQUEST_ID_SIZE). */
void fetcher_retry(struct fetcher *fetcher, const char *recording_sid, const char *request_id);
/* A player waits for a byte ahead of a flight: it may be fetched on its own (seeks.h). */
void fetcher_seek(struct fetcher *fetcher, const char *recording_sid, int64_t generation,
		  uint64_t byte);
/* Asks Twilio about a SID that the ledger does not know (discovery.h); takes the request. */
void fetcher_discover(struct fetcher *fetcher, struct discovery_request *request);
/* An import was asked for (catalog/imports.h). */
void fetcher_import(struct fetcher *fetcher);
/* From now on: numbers of the options alone, texts and lists are as they were.  Any thread. */
void fetcher_change(struct fetcher *fetcher, const struct flight_options *options);
/* Is Twilio's list read, now and then (rest/reconcile.h)?  Any thread. */
bool fetcher_reconciles(const struct fetcher *fetcher);
/* Its loop's mailbox: for who watches whether it turns. */
struct mailbox *fetcher_mailbox(const struct fetcher *fetcher);
/* For what asks Twilio on the fetching loop; before fetcher_start(). */
const struct rest_env *fetcher_rest_env(const struct fetcher *fetcher);
/* Its workers for what blocks: nothing is posted to them after fetcher_stop(). */
struct workers *fetcher_sealers(const struct fetcher *fetcher);
/* How Twilio is doing (upstream.h). */
void fetcher_read_upstream(const struct fetcher *fetcher, struct upstream_facts *out);
/* Its flights and its loop, as they are counted: any thread reads them while the fetcher is there. */
/* What is arriving just now (media/arriving.h); it is there as long as the fetcher. */
struct arriving_table *fetcher_arriving(const struct fetcher *fetcher);
const struct flight_counts *fetcher_flight_counts(const struct fetcher *fetcher);
/* What other processes were asked; NULL: there are none. */
const struct peer_counts *fetcher_peer_counts(const struct fetcher *fetcher);
/* Which of them cannot be asked, since when and why. */
void fetcher_read_peer_trouble(const struct fetcher *fetcher, struct trouble_facts *out);
const struct loop_times *fetcher_loop_times(const struct fetcher *fetcher);
