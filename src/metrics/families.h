/*
 * What /metrics tells: each family with its name, its help and where its numbers come from.  Pure, but for
 * what the kernel knows of this process.
 */
#pragma once

#include "api/web_counts.h"
#include "api/webhook_counts.h"
#include "base/time_histogram.h"
#include "catalog/recordings.h"
#include "chores/verifications.h"
#include "ledger/reserve.h"
#include "rest/upstream.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_remote_facts;
struct buf;
struct flight_counts;
struct ledger_sums;
struct loop_times;

/* Of all serving loops together. */
struct metrics_serving {
	struct web_sums sums;
	struct time_sum turns;
	int64_t lag_us; /* of the one that is behind most */
	int64_t connections;
	uint64_t connections_refused, audit_left_out, access_log_lost;
};

/* As one of those who serve from the ledger. */
struct metrics_company {
	int64_t processes; /* this one counted */
	int64_t leases, streams_behind, clock_ahead_ms;
	uint64_t beats, burials, funerals;
	bool hears, has_duties;
};

/* What is borrowed is counted on by its owners meanwhile.  Instants: wall clock, 0 never. */
struct metrics_facts {
	int64_t now_ms, started_at_ms;
	bool is_degraded, is_clock_doubted;

	/* of the last time that the server examined itself; examined_at_ms 0: never */
	int64_t examined_at_ms;
	uint64_t examinations, examined_good, examined_findings, examined_unchecked;

	bool is_ledger_silent; /* what is to be read there is not known: the families are told, and have no samples */

	/* the ledger and the store, as they are now */
	struct catalog_counts counts;
	bool store_answers;
	uint64_t free_bytes; /* while store_answers */
	uint64_t min_free_bytes;
	const struct blob_remote_facts *bucket; /* NULL: media lies in files */
	enum reserve_state reserve;
	struct store_fault_counts faults;
	int64_t compared_at_ms;    /* the store with the ledger, to its end */
	int64_t expected, expired; /* of the recordings that are to be kept, and are too old */
	bool is_listed;            /* each account's list was read to its end */
	int64_t listed_at_ms, list_failing_since_ms;

	/* webhooks that are sent: what waits, since when, and was given up; tries and what became of them since the start */
	int64_t notices_waiting, notices_dead, notices_oldest_at_ms, notify_failing_since_ms;
	uint64_t notices_taken, notices_failed, notices_died;
	bool is_notify_gone;

	/* since the start */
	struct webhook_counts webhooks;
	struct upstream_facts upstream;
	const struct ledger_sums *ledger;
	const struct flight_counts *flights;         /* NULL: nothing is fetched here */
	const struct peer_counts *peers;             /* NULL: there are no other processes */
	const struct loop_times *fetching, *keeping; /* NULL: there is no such loop */
	struct metrics_serving serving;
	struct metrics_company company;
};

void metrics_write(const struct metrics_facts *facts, struct buf *out);
