/*
 * A backup read from its first byte to its last: is it what was written?  Nothing is changed.
 */
#pragma once

#include "backup/finding.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

struct backup_check_report {
	int64_t made_at_ms;
	uint64_t recordings; /* that are listed */
	uint64_t findings[BACKUP_FINDINGS];
};

/*
 * ERR_NOT_FOUND: there is no backup in the folder.  ERR_INVALID: its list or its ledger is damaged, so nothing of it is sure.
 * progress and watch may be NULL.
 */
bool backup_check(const char *folder, struct progress *progress, struct backup_watch *watch,
		  struct backup_check_report *report, struct err *err) MUST_CHECK;
