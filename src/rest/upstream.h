/*
 * How Twilio is doing, as its answers show it: for the log and for status.
 *
 * An outage begins with UPSTREAM_OUTAGE failures in a row (unreachable, too slow, 5xx), whatever
 * recordings they are of: one failure is a matter of its recording.  It ends with the first answer,
 * be it a refusal.  The log has a line at its beginning and one at its end.
 *
 * Told by the fetching loop; read by any thread.
 */
#pragma once

#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

#define UPSTREAM_TEXT_SIZE 200
#define UPSTREAM_OUTAGE    3 /* the back-off's first three tries: within some seconds */

struct accounts;
struct upstream;

/* A plain value.  Instants: wall clock, 0 never or none. */
struct upstream_facts {
	int64_t last_stored_at_ms;            /* since the start of this process */
	int64_t outage_since_ms;              /* of the first failure of an outage that lasts */
	char outage_text[UPSTREAM_TEXT_SIZE]; /* its latest failure */
	unsigned refused_count;               /* accounts whose credentials Twilio refuses */
	char refused_account[SID_SIZE];       /* the first of them; "" */
};

struct upstream *upstream_new(const struct accounts *accounts);
void upstream_free(struct upstream *upstream);

/* What a try says of Twilio, whatever it says of its recording. */
enum upstream_sign {
	UPSTREAM_SAYS_NOTHING, /* of what was not sent, or may be a proxy's, nothing is known */
	UPSTREAM_IS_DOWN,
	UPSTREAM_ANSWERS,
	UPSTREAM_GAVE_MEDIA, /* it answers, and what it sent is stored */
};
/* What came back of one try; text: why it failed, for a person. */
void upstream_told(struct upstream *upstream, enum upstream_sign sign, const char *text,
		   int64_t wall_ms);
/* Twilio refuses an account's credentials, or accepts them (again).  Unknown accounts are ignored. */
void upstream_refuses(struct upstream *upstream, const char *account_sid, bool refuses);

/* Any thread. */
void upstream_read(struct upstream *upstream, struct upstream_facts *out);
