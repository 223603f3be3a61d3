/*
 * Whether every recording that there is at Twilio is here, as reconciling and the queue know it: for
 * /api/status and `callspool status`.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "catalog/recordings.h"
#include "chores/reconciliations.h"

#include <stdbool.h>
#include <stdint.h>

struct accounts;
struct json;

#define COMPLETENESS_TEXT_SIZE 320

/* A plain value, of all accounts together.  Instants: wall clock, 0 never. */
struct completeness {
	bool is_unknown;          /* the ledger has not answered: nor is anything of the counts */
	bool is_listed;           /* Twilio's list was read to its end once, of every account */
	int64_t since_ms;         /* what was created since then was listed; 0: all */
	int64_t listed_at_ms;     /* of the account for which it was longest ago */
	int64_t failing_since_ms; /* of the account whose list cannot be read for longest; 0 none */
	char failure[RECONCILIATION_TEXT_SIZE]; /* why */
	char failing_account[SID_SIZE];
	int64_t expired; /* of those that wait: older than they are kept, and not fetched */
};

/* accounts: those that are kept; NULL: whatever the ledger knows. */
bool completeness_read(struct catalog *catalog, const struct accounts *accounts,
		       struct completeness *out, struct err *err) MUST_CHECK;

/* Recordings that are there to be kept: neither going on, nor absent, deleted, purged or expired.  Pure. */
int64_t completeness_expected(const struct completeness *completeness,
			      const struct catalog_counts *counts);
/* One sentence: how many are here, or what is missing and why.  Pure. */
void completeness_tell(const struct completeness *completeness, const struct catalog_counts *counts,
		       char out[COMPLETENESS_TEXT_SIZE]);
/* A member `complete` of the open object. */
void completeness_write(const struct completeness *completeness,
			const struct catalog_counts *counts, struct json *json);
