/*
 * What was refused, for the audit: who may not, and who tries too often.
 *
 * Whoever is refused can ask a thousand times a second.  So there is one entry at once, and then one a minute that
 * says how often it was, for each credential, account or network.  What is counted lies in a table of fixed
 * size; when more are refused within a minute than it holds, the others are counted together.
 *
 * Thread: any; a mutex, held for a microsecond, never on the way of who is admitted.
 */
#pragma once

#include "accounts/audit.h"
#include "audit/audit_trail.h"
#include "base/compiler.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFUSALS_MINUTE_MS (60 * 1000)
#define REFUSALS_MAX       256 /* counted apart, in a minute */

struct refusals;

enum refusal_kind {
	REFUSAL_FORBIDDEN, /* the entry `refused`: 403 */
	REFUSAL_THROTTLED, /* the entry `throttled`: 429 */
};

struct refusal {
	enum refusal_kind kind;
	const char *what;  /* the code of a 403, the limit of a 429; a constant */
	const char *route; /* its pattern; a constant */
	/* By whom: counted by the credential, else the user, else `name`, else the network of the address. */
	int64_t user_id;
	char credential[AUDIT_NAME_SIZE], for_user[AUDIT_FOR_SIZE], address[AUDIT_ADDRESS_SIZE];
	char name[USER_NAME_SIZE]; /* of the account that is over its limit; "": none is */
};

struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals);

/* `now_ms`: of the monotonic clock. */
void refusals_add(struct refusals *refusals, const struct refusal *refusal, int64_t now_ms);

/* One entry of the audit. */
struct refusal_entry {
	struct refusal
		first; /* of those that it counts; what == NULL: those that the table did not hold */
	int64_t count;
};
/* Takes those that are due at `now_ms` (INT64_MAX: all), at most `size`; how many. */
size_t refusals_take(struct refusals *refusals, int64_t now_ms, struct refusal_entry *out,
		     size_t size);

/* Writes the entry.  In a write transaction of the ledger. */
bool refusals_write(const struct audit_trail *trail, struct catalog *catalog,
		    const struct refusal_entry *entry, struct err *err) MUST_CHECK;
