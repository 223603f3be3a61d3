/*
 * The audit of this process: its key, its chain, and what goes into each entry.
 *
 * Read-only once it has begun.  Entries are written on the ledger's writer, in the transaction of what they tell of.
 */
#pragma once

#include "accounts/audit.h"
#include "audit/audit_chain.h"
#include "audit/audit_options.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct refusals;

/* All zero: none is open. */
struct audit_trail {
	struct audit_options options;
	struct ledger *ledger; /* borrowed */
	struct audit_key *key;
	struct refusals *refusals; /* has a lock of its own */
	int64_t chain;
};

/*
 * Reads the key.  `makes_key`: one that is nowhere is made in `data_dir`.  Errors: those of audit_key_read().
 * What is in *out on failure is released all the same.
 */
bool audit_trail_open(const struct audit_options *options, const char *data_dir, bool makes_key,
		      struct ledger *ledger, struct audit_trail *out, struct err *err) MUST_CHECK;
void audit_trail_release(struct audit_trail *trail);

/* The chain of this process begins.  In a write transaction, before all entries. */
bool audit_trail_begin(struct audit_trail *trail, struct catalog *catalog,
		       struct err *err) MUST_CHECK;

/*
 * One entry, in the transaction of what it tells of.  kind, user_id and what else is known are the caller's; it is given
 * its chain and place, the time, the network of its address, and the name of a user whom it names by number alone.
 */
bool audit_trail_write(const struct audit_trail *trail, struct catalog *catalog,
		       struct audit_entry *entry, struct err *err) MUST_CHECK;
/*
 * The same for many entries of one transaction: the end of the chain is asked for once, and moves on with each.  After a
 * failure it is to be asked for anew.
 */
bool audit_trail_end(const struct audit_trail *trail, struct catalog *catalog,
		     struct audit_tail *out, struct err *err) MUST_CHECK;
bool audit_trail_write_behind(const struct audit_trail *trail, struct catalog *catalog,
			      struct audit_tail *tail, struct audit_entry *entry,
			      struct err *err) MUST_CHECK;
