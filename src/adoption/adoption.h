/*
 * Taking over a file that another system left (callspool import --from).
 *
 * Who brings it has copied it into the store, by blob_arriving_open(), under a number of his own.  An adoption does
 * with it what a flight does with what has arrived: an attempt gives it a generation, a worker looks whether it is
 * audio, syncs it and gives it its name, and the ledger says "stored".  What the ledger does not know becomes an
 * event first.  A crash leaves an attempt that did not end, or a file that the next start sweeps; never half a recording.
 *
 * Thread: the loop of `reply`.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "blob/blob.h"
#include "catalog/catalog.h"
#include "event/workers.h"
#include "ledger/ledger.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers below are generations: files of flights. */
#define ADOPTION_STAGED_LEAST (INT64_C(1) << 61)

/* Embedded in its owner, zeroed but for what is asked; left alone until done(). */
struct adoption {
	/* What is asked. */
	char recording_sid[SID_SIZE];
	char call_sid[SID_SIZE]; /* where the ledger does not know the recording; "": of no call */
	int64_t staged;          /* the number under which it was copied into the store */
	int64_t recorded_at_ms;  /* where the ledger does not know it */
	struct ledger *ledger;
	struct blob_store *store;
	struct workers *workers;
	struct mailbox *reply;
	void (*done)(struct adoption *adoption);
	/* Optional: in the transaction by which it becomes stored, on the writer; what fails here undoes that. */
	bool (*storing)(struct adoption *adoption, struct catalog *catalog, struct err *err);
	/* Set by its owner when nobody waits any more, and before the workers stop: they get no further job. */
	bool is_abandoned;

	/*
	 * The answer.  Unless it succeeded err is set.  ERR_NOT_FOUND: nothing was copied under that number;
	 * ERR_INVALID: it is not audio; ERR_CONFLICT: the recording is stored, purged, or being fetched.
	 */
	bool succeeded;
	struct err err;
	int64_t generation;
	uint64_t size;

	/* internal */
	struct ledger_job job;
	struct job work;
	unsigned tries;
	bool is_told; /* its event is committed */
	bool is_begun, is_sealed;
	int64_t began_at_ms, duration_ms;
	int channels;
	const char *format;
	char known_call_sid[SID_SIZE];
	char name[BLOB_NAME_SIZE];
};

void adoption_start(struct adoption *adoption);
