/*
 * A new ledger from what is left of a damaged one, and from the store.
 *
 *	read what can be read of the old one, page by page (ledger_rows.h)
 *	  -> its events, as they were, and all that they tell is worked out anew (projection/projection.h)
 *	  -> what only rows tell: what is stored, held, removed; users, tokens, links, the audit
 *	  -> files of the store that no row names: their names say of which recording and generation they are
 *	  -> the next start reads Twilio's list back as far as recordings are kept, and fetches what is still missing
 *
 * The old one is only read, and set aside under another name.  The new one is worked on as ledger.db.rebuilding, so that no server
 * begins an empty one, and is whole before anything is renamed; one that was killed is begun again, or, once the
 * new one is whole (ledger.db.rebuilt), brought to its end.
 *
 * What is numbered from now on leaps (catalog_leap()) over everything that was seen, so that no ETag ever names two contents.
 * A hold may be lost with its page: nothing is removed by age for a while (upkeep_pause_purge()).
 * Sessions end, as after a restore; the history of attempts, and how far lists were read, are not kept.
 *
 * Blocks.  One thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* In a data folder: a rebuild has not come to its end. */
#define REBUILD_UNFINISHED "ledger.db.rebuilding"
#define REBUILD_WHOLE      "ledger.db.rebuilt"

#define REBUILD_TEXT_SIZE 200

struct rebuild_options {
	const char *data_dir;
	bool though_whole;         /* though nothing is wrong with the ledger */
	bool though_files_missing; /* though the store does not have what the ledger calls stored */
	struct progress *progress; /* steps of work; NULL: nobody looks */
};

struct rebuild_report {
	char why[REBUILD_TEXT_SIZE];       /* what is wrong with the old one; "" nothing */
	char set_aside[REBUILD_TEXT_SIZE]; /* its new name in the data folder; "": there was none */
	uint64_t pages, pages_damaged, rows_broken;
	uint64_t events,
		events_missing; /* missing: numbers between the first and the last that are not there */
	uint64_t calls, recordings; /* that are known now */
	uint64_t stored;            /* whose row said so, and whose file is there */
	uint64_t adopted;           /* files that no row named */
	uint64_t to_fetch;          /* by the next start */
	uint64_t held, removed, users, tokens, links, audit_entries;
	uint64_t users_disabled; /* of the users: found by their looks alone */
};

/*
 * ERR_NOT_FOUND: there is neither a ledger nor a store.  ERR_CONFLICT: nothing is wrong with the ledger, a server runs, or a restore
 * has not come to its end.  ERR_UNAVAILABLE: the disk is full, or that of the store seems not to be mounted.  After an error the old
 * ledger is as it was.
 */
bool rebuild_run(const struct rebuild_options *options, struct rebuild_report *report,
		 struct err *err) MUST_CHECK;
