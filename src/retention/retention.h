/*
 * How long recordings are kept: the rules of the settings, and what they say of one recording.
 *
 * The most specific rule wins: an account's of that direction, an account's, that of the direction, the general one.  What is
 * not known of a recording, its account or its direction, counts as what is kept longest: it may be told later, whereas
 * what was removed is gone.
 *
 *	start        + retention         + grace
 *	  |--- played ---|--- 410, is here ---|--- may be removed
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETENTION_FOREVER      INT64_MAX
#define RETENTION_NEVER        INT64_MAX /* as an instant */
#define RETENTION_ACCOUNTS_MAX 16
#define RETENTION_SID_SIZE     35 /* an account's SID, NUL-terminated */

/* Numbered as the ledger numbers a call's direction (catalog/calls.h). */
enum retention_way {
	RETENTION_ANY_WAY, /* not known */
	RETENTION_INBOUND,
	RETENTION_OUTBOUND,
	RETENTION_WAYS,
};

/* As the settings say it.  Times in ms; 0: nothing was said, RETENTION_FOREVER: for ever. */
struct retention_options {
	int64_t general_ms, inbound_ms, outbound_ms;
	int64_t grace_ms; /* so much later what has expired may be removed */
	const char *const
		*accounts; /* "AC...=90d", "AC....inbound=30d"; NULL-terminated, or NULL */
};

/* How long those of an account are kept, by enum retention_way; the first is the longest. */
struct retention_rule {
	char account_sid[RETENTION_SID_SIZE];
	int64_t ms[RETENTION_WAYS];
};

/* A plain value. */
struct retention_rules {
	int64_t grace_ms;
	struct retention_rule general; /* of accounts that have no rule of their own */
	struct retention_rule longest; /* of all accounts: where the account is not known */
	struct retention_rule accounts[RETENTION_ACCOUNTS_MAX]; /* by SID */
	size_t count;
};

/* ERR_INVALID: an account's rule is none, is there twice, or they are too many. */
bool retention_rules_make(const struct retention_options *options, struct retention_rules *out,
			  struct err *err) MUST_CHECK;
/* One rule for all, without a grace. */
struct retention_rules retention_rules_of(int64_t general_ms);

/* What decides about a recording; a plain value. */
struct kept {
	char account_sid[RETENTION_SID_SIZE]; /* "" not known */
	enum retention_way way;
	bool is_held;          /* it neither expires nor is removed */
	int64_t started_at_ms; /* of the recording; wall clock, 0 not known: it does not expire */
};

/* For how long those are played; account_sid "" not known.  Pure, as the next five are. */
int64_t retention_ms(const struct retention_rules *rules, const char *account_sid,
		     enum retention_way way);
/* The longest and the shortest that any rule says. */
int64_t retention_longest_ms(const struct retention_rules *rules);
int64_t retention_shortest_ms(const struct retention_rules *rules);
/* The shortest that any rule says of that direction, or of what is kept where none is known. */
int64_t retention_shortest_of_way_ms(const struct retention_rules *rules, enum retention_way way);
/* The last instant at which it is played, wall clock, or RETENTION_NEVER. */
int64_t retention_expires_at_ms(const struct retention_rules *rules, const struct kept *kept);
/* The last instant at which it is not removed, or RETENTION_NEVER. */
int64_t retention_removed_at_ms(const struct retention_rules *rules, const struct kept *kept);
/* What began before it has been kept for longer than `ms` at that instant; 0: nothing has. */
int64_t retention_edge_ms(int64_t now_ms, int64_t ms);
/* The sum, or RETENTION_FOREVER. */
int64_t retention_add_ms(int64_t ms, int64_t more_ms);

/*
 * The rules in force, which SIGHUP changes while loops, readers and the writer go by them.
 *
 * A set of rules never changes; another takes its place, and the old one lives as long as this does: some
 * reader may have it still, and they are changed by hand.
 */
struct retention;

struct retention *retention_new(const struct retention_rules *rules);
/* Any thread.  NULL: rules by which everything is kept for ever. */
const struct retention_rules *retention_now(const struct retention *retention);
/* One thread at a time.  The same rules again change nothing. */
void retention_change(struct retention *retention, const struct retention_rules *rules);
/* Has the last instant at which it is played passed, by the rules in force? */
bool retention_has_expired(const struct retention *retention, const struct kept *kept,
			   int64_t now_ms);
/* Is it to be removed at that instant, by the same? */
bool retention_is_over(const struct retention *retention, const struct kept *kept, int64_t now_ms);
/* How long anything is kept at most before it is removed. */
int64_t retention_kept_longest_ms(const struct retention *retention);
void retention_free(struct retention *retention); /* NULL does nothing */
DEFINE_AUTO(struct retention *, retention_free)
