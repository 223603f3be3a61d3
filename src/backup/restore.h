/*
 * A backup (backup.h) brought back into a data folder, which is empty or not there.
 *
 * Each file is checked against its digest while it is copied.  What the backup lacks, or has damaged, is queued: the next
 * start fetches it again.  Until all is there the ledger is called ledger.db.restoring, so that no server begins an
 * empty one beside it; a restore that was killed goes on where it was.
 *
 * The ledger goes back in time.  So what is numbered from now on leaps (catalog_leap()), and what opens something and is
 * easily had again ends: sessions, known browsers, visits of links, invitations.  Else one that was revoked
 * since the backup would open again.  A hold since then is lost, so that nothing is removed by age for a while
 * (upkeep_pause_purge()).  Tokens and links stay unless it is asked for, and are counted.  Attempts that were
 * under way are closed by the next start, as after a crash.
 *
 * Blocks.  One thread.
 */
#pragma once

#include "backup/finding.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* In a data folder: a restore has not come to its end. */
#define RESTORE_UNFINISHED "ledger.db.restoring"

struct restore_options {
	const char *folder; /* of the backup; only read */
	const char *data_dir;
	bool ends_all;             /* tokens and links, too */
	bool though_files_missing; /* though the backup lacks so much that its disk may not be mounted */
	struct progress *progress;  /* recordings; NULL: nobody looks */
	struct backup_watch *watch; /* NULL: nobody listens */
};

struct restore_report {
	int64_t made_at_ms;         /* the backup */
	uint64_t recordings, bytes; /* that are there now; bytes: that were copied */
	uint64_t queued;            /* to be fetched again, as the backup does not have them */
	int64_t sessions_ended, tokens,
		links; /* sessions, and all of their kind; tokens and links that go on */
	uint64_t findings[BACKUP_FINDINGS]; /* in the backup */
};

/*
 * ERR_NOT_FOUND: there is no backup.  ERR_INVALID: it is damaged, or of a newer callspool.  ERR_CONFLICT: the data folder
 * holds something, or a server runs on it.  ERR_UNAVAILABLE: the disk is full, or the backup's is not mounted, or not all of
 * it.  ERR_SCARCE: no descriptor.  Of what was begun restore_run() goes on.
 */
bool restore_run(const struct restore_options *options, struct restore_report *report,
		 struct err *err) MUST_CHECK;
