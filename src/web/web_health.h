/*
 * GET /health: 200 as long as callspool can play; `degraded` says that something is not as it should be.
 * GET /api/health: the causes in words, what is here, and what waits, for those who may read the calls.
 * GET /api/status: the same, and who sent what, for those who look after it (`callspool status`).
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
struct web;

void web_health(struct exchange *x);
void web_health_details(struct exchange *x);
void web_status(struct exchange *x);

/* All that is known of how this server does.  On a reader's thread. */
bool web_health_gather(const struct web *web, struct catalog *catalog, struct health_facts *out,
		       struct err *err) MUST_CHECK;

/* The same where the ledger does not answer: what is known without it.  On a loop. */
void web_health_gather_without(const struct web *web, struct health_facts *out);

/*
 * Fills in what the ledger and the store know of these accounts (NULL: of all), without last_webhook_at_ms; also for
 * `callspool status` when no server runs.
 */
bool web_health_read(struct catalog *catalog, struct blob_store *store,
		     const struct accounts *accounts, struct health_facts *facts,
		     struct err *err) MUST_CHECK;
