/*
 * How Twilio is doing, as its answers to flights show it: for the log and for status.
 *
 * An outage begins with UPSTREAM_OUTAGE failures in a row (unreachable, too slow, 5xx), whatever
 * recordings they are of: one failure is a matter of its recording.  It ends with the first answer,
 * be it a refusal.  The log has a line at its beginning and one at its end.
 *
 * Told by the fetching loop; read by any thread.
 */
#pragma once

#include "catalog/catalog.h"
#include "flights/verdict.h"

#include <stdbool.h>
#include <stdint.h>

#define UPSTREAM_OUTAGE 3 /* the back-off's first three tries: within some seconds */

struct accounts;
struct upstream;

/* A plain value.  Instants: wall clock, 0 never or none. */
struct upstream_facts {
	int64_t last_stored_at_ms;           /* since the start of this process */
	int64_t outage_since_ms;             /* of the first failure of an outage that lasts */
	char outage_text[VERDICT_TEXT_SIZE]; /* its latest failure */
	unsigned refused_count;              /* accounts whose credentials Twilio refuses */
	char refused_account[SID_SIZE];      /* the first of them; "" */
};

struct upstream *upstream_new(const struct accounts *accounts);
void upstream_free(struct upstream *upstream);

/* What came back of one try; text: why it failed, for a person. */
void upstream_told(struct upstream *upstream, enum verdict_meaning meaning, const char *text,
		   int64_t wall_ms);
/* Twilio refuses an account's credentials, or accepts them (again).  Unknown accounts are ignored. */
void upstream_refuses(struct upstream *upstream, const char *account_sid, bool refuses);

/* Any thread. */
void upstream_read(struct upstream *upstream, struct upstream_facts *out);
