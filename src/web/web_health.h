/*
 * GET /health: 200 as long as callspool can play; `degraded` says that something is not as it should be.
 * GET /api/status: the causes and the counts, for those who may see them (`callspool status`).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct accounts;
struct blob_store;
struct catalog;
struct exchange;
struct health_facts;

void web_health(struct exchange *x);
void web_status(struct exchange *x);

/*
 * Fills in what the ledger and the store know of these accounts (NULL: of all); also for `callspool status` when
 * no server runs.
 */
bool web_health_read(struct catalog *catalog, struct blob_store *store,
		     const struct accounts *accounts, struct health_facts *facts,
		     struct err *err) MUST_CHECK;
