/*
 * One try of a flight: from the attempt that is begun in the ledger to the one that is ended
 * there.  Allocated while the flight flies, so that one that waits keeps none of it.
 *
 * Thread: the fetching loop; run() of its jobs touches only the try, on a thread of theirs.
 */
#pragma once

#include "base/err.h"
#include "blob/blob_request.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "event/workers.h"
#include "flights/download.h"
#include "ledger/ledger.h"
#include "rest/rest_request.h"
#include "twilio/encryption_details.h"
#include "vault/vault.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stdint.h>

struct flight;

struct
try {
	struct flight *flight;
	/* As the ledger had it when the attempt began; at the end of one that was requeued meanwhile, as it has it then. */
	struct recording recording;
	int64_t attempt_id;  /* 0: none was begun */
	int64_t began_at_ms; /* wall clock */
	struct download download;
	struct rest_request question; /* what a 404 means, or how it is encrypted */
	bool was_sent;                /* a request went out to the API */
	bool is_elsewhere;            /* another process fetches it, or has just failed to */
	bool keeps_lease;             /* after a turn without media that is not the last */
	bool was_requeued; /* while it was under way: it decides no more what becomes of the recording */
	bool begins_anew;  /* what an earlier try left cannot be gone on with */
	char *encryption;  /* of an encrypted one, as the ledger has it; else NULL */
	char *url;         /* RecordingUrl as told, where it may count; "", NULL: none */
	char *new_details; /* what the metadata says in its place; NULL: nothing else */
	struct encryption_details details;
	struct verdict_facts facts;
	struct verdict verdict;
	int64_t next_try_at_ms; /* wall clock, as committed; 0: never */
	int64_t not_before_ms; /* wall clock: in no round sooner than that; 0: at once, if need be */
	int64_t trying_ms;     /* of the round, this try included */
	bool is_in_ledger;     /* that it is tried again, and when, was committed */
	struct recording_media media; /* once sealed */
	char media_name[BLOB_NAME_SIZE];
	struct ledger_job ledger_job;
	struct err overtaken_by; /* why it is not to be fetched any more */
	/* Opening what came encrypted: on a sealer. */
	struct job open_job;
	struct vault_sink sink;
	enum vault_result opened;
	struct blob_arriving *plain;
	struct sniff plain_sniff;
	struct err open_err;
	struct blob_request sealing;
	bool is_handed_over; /* to the ledger, a sealer or the store, whose answer is waited for */
	struct reap reap;
};
