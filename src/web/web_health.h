/*
 * GET /health: 200 as long as it can play; `degraded` says that something is not as it should be.
 * GET /api/status: the causes and the counts, for those who may see them (`callspool status`).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "ledger/reserve.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_store;
struct catalog;
struct exchange;
struct json;
struct webhook_counts;

void web_health(struct exchange *x);
void web_status(struct exchange *x);
/*
 * The same as one JSON value, for whoever has the ledger open: a reader, or `callspool status` when no
 * server runs (started_at_ms is 0 then).  is_full: with causes and counts.
 */
struct web_health_wish {
	int64_t started_at_ms;
	uint64_t min_free_bytes; /* less room on the disk is one of the causes */
	enum reserve_state reserve;
	const struct webhook_counts *webhooks; /* NULL: no server runs */
	bool is_full;
};
bool web_health_write(struct catalog *catalog, struct blob_store *store,
		      const struct web_health_wish *wish, struct json *json,
		      struct err *err) MUST_CHECK;
