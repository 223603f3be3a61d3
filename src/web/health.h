/*
 * Whether all is well, judged from what is known, and the same as JSON: for /health, /api/health, /api/status
 * and `callspool status`, in one form of which each has as much as its readers may see.
 *
 * Degraded means that somebody should look: recordings or webhooks are not coming in as they should.
 * Each cause is a sentence that says what is wrong and what to look at.
 */
#pragma once

#include "api/webhook_counts.h"
#include "catalog/recordings.h"
#include "chores/notices_queue.h"
#include "chores/upkeep.h"
#include "chores/verifications.h"
#include "doctor/canary.h"
#include "ledger/ledger.h"
#include "ledger/reserve.h"
#include "notify/notifier.h"
#include "purge/clock_guard.h"
#include "rest/upstream.h"
#include "retention/retention.h"
#include "web/completeness.h"

#include <stdbool.h>
#include <stdint.h>

struct json;

#define HEALTH_CAUSES_MAX 25
#define HEALTH_CAUSE_SIZE 320 /* a sentence, and Twilio's or the disk's own words */

/* A plain value.  Instants: wall clock, 0 never. */
struct health_facts {
	int64_t now_ms;
	int64_t started_at_ms; /* 0: no server runs; then webhooks and upstream are not known */
	struct catalog_counts counts;
	int64_t last_webhook_at_ms; /* for HEALTH_STATUS alone */
	bool store_answers;
	uint64_t free_bytes;     /* while store_answers */
	uint64_t min_free_bytes; /* the setting */
	int64_t disk_full_at_ms; /* when only min_free_bytes will be left; 0: not known, or not soon */
	const struct retention_rules *retention; /* those in force; NULL: no server runs */
	/* Since the start, those that were played: from the store, and of all. */
	uint64_t plays_stored, plays;
	const char *public_url; /* the setting; NULL: none, or no server runs */
	enum reserve_state reserve;
	struct webhook_counts webhooks;
	struct upstream_facts upstream;
	struct completeness completeness;
	struct ledger_troubles ledger; /* for_ms -1: none */
	struct trouble_facts store_writing, store_reading;
	struct trouble_facts peer;        /* another process, which cannot be asked */
	struct store_fault_counts faults; /* of the store, compared with the ledger */
	struct verification verified[VERIFICATION_PASSES];
	struct upkeep purge_pause; /* UPKEEP_PURGE_PAUSE */
	struct canary_word examined;
	struct canary *canary; /* its details, for HEALTH_DETAILS; NULL: there are none */
	struct notice_counts notices;
	struct notifier_facts notifier; /* is_on only where a server runs */
	bool reconciles;                /* Twilio's list is read, unless a setting says otherwise */
	enum clock_doubt clock;
	struct err clock_err; /* why, unless CLOCK_UNDOUBTED */
};

struct health_causes {
	unsigned count;
	char text[HEALTH_CAUSES_MAX][HEALTH_CAUSE_SIZE];
};

/* Pure. */
void health_judge(const struct health_facts *facts, struct health_causes *out);

enum health_detail {
	HEALTH_WORD,    /* anybody: does it play? */
	HEALTH_DETAILS, /* who reads the calls: the causes, what is here, what waits */
	HEALTH_STATUS,  /* who looks after it: who sends webhooks, how fetching goes, too */
};
/* One JSON value. */
void health_write(const struct health_facts *facts, enum health_detail detail, struct json *json);
