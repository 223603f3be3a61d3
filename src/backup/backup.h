/*
 * A backup: what a callspool needs to go on elsewhere, in a folder of its own.
 *
 *	<folder>/ledger.db       the ledger, as one instant had it
 *	<folder>/recordings/...  all media that it calls stored
 *	<folder>/digests         the SHA-256 of each (backup/digest_list.h)
 *
 * It may be made while a server runs on the data folder, and does not ask it: the ledger is read in one transaction,
 * in which the server's writer goes on, and the files of media never change.  What was acknowledged before it began
 * is in it.  A file that the server has removed since (purged, or there is a newer one) is told, and not missed.
 *
 * What an earlier backup left in the folder is not copied again.  digests and ledger.db are the last to be replaced,
 * digests first: whoever is killed leaves the backup that was there, or the new one; in between ledger.db.new is the new
 * one's.  Media stays that no ledger names any more, unless it is asked to go.
 *
 * No key of the data folder is in it: neither that of the audit, nor an invitation, nor what is configured.
 *
 * Blocks.  One thread.
 */
#pragma once

#include "backup/finding.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct backup_watch;
struct blob_store;
struct progress;

struct backup_options {
	const char *ledger;       /* path */
	struct blob_store *store; /* borrowed */
	const char *folder;
	bool copies;              /* media, too, where a hard link would do */
	bool prunes;              /* media that was purged or replaced goes (prune.h) */
	uint64_t keep_free_bytes; /* of the ledger's disk, where the folder is on that */
	struct progress *ledger_progress, *media_progress; /* NULL: nobody looks */
	struct backup_watch *watch;                        /* NULL: nobody listens */
};

/* What was done; plain numbers, kept up on the way. */
struct backup_report {
	int64_t made_at_ms; /* of which instant it is */
	uint64_t ledger_bytes;
	uint64_t recordings;           /* that the ledger calls stored */
	uint64_t here, linked, copied; /* here: by an earlier backup */
	uint64_t copied_bytes;
	uint64_t gone; /* removed by the server since the instant */
	uint64_t pruned;
	uint64_t findings[BACKUP_FINDINGS]; /* in the store */
};

/*
 * ERR_NOT_FOUND: there is no ledger.  ERR_CONFLICT: the folder holds something else, or the backup of another ledger or of a
 * later state, or another backup is being made there.  ERR_UNAVAILABLE: a disk is full, or the store is away.
 */
bool backup_make(const struct backup_options *options, struct backup_report *report,
		 struct err *err) MUST_CHECK;
