/*
 * What makes the audit worth reading: nobody who can write the ledger, but has not the key, can
 * change what it says without it being found.
 *
 *	mac = HMAC-SHA256(key, chain, seq, mac of the entry before, all fields with their lengths)
 *
 * So an entry cannot be edited, moved, inserted or taken out of the middle.  A chain that is cut off at its end, or
 * was restored from an older copy and went on, is found by its *heads*: (chain, seq, mac) of every chain is written
 * into the others at the start of a process and each hour, and to the log, which another machine
 * may keep.  What is not found: what the holder of the key rewrites since the last head that left the machine.
 *
 * Full addresses stand beside the entry; the mac covers only a mac of the address, so that they can be
 * forgotten without breaking the chain.
 *
 * Blocking; runs on the ledger's writer, or in a command.
 */
#pragma once

#include "accounts/audit.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_KEY_BYTES 32

struct audit_key {
	uint8_t bytes[AUDIT_KEY_BYTES];
	char id[AUDIT_NAME_SIZE]; /* of its SHA-256: tells keys apart, and nothing of them */
};

/* Gives `key->id` what belongs to its bytes. */
void audit_key_name(struct audit_key *key);

/* A new chain, with its first entry, which names the heads of the others.  In a write transaction. */
bool audit_chain_begin(struct catalog *catalog, const struct audit_key *key, int64_t now_ms,
		       int64_t *out_chain, struct err *err) MUST_CHECK;
/* Gives entry->seq, address_mac and mac; chain and all else is the caller's.  In a write transaction. */
bool audit_chain_append(struct catalog *catalog, const struct audit_key *key,
			struct audit_entry *entry, struct err *err) MUST_CHECK;
/*
 * The same for many entries of one transaction: `tail` is the end of their chain, as audit_tail() told in it, and moves on
 * with each.
 */
bool audit_chain_append_behind(struct catalog *catalog, const struct audit_key *key,
			       struct audit_tail *tail, struct audit_entry *entry,
			       struct err *err) MUST_CHECK;
/* An entry with the heads of all chains of the last day; *out is the head of this one behind it. */
bool audit_chain_head(struct catalog *catalog, const struct audit_key *key, int64_t chain,
		      int64_t now_ms, struct audit_tail *out, struct err *err) MUST_CHECK;
/*
 * Takes away what is older than `before_ms`, at most `most` entries, after entries of `chain` that say so; *out_count
 * went.
 */
bool audit_chain_prune(struct catalog *catalog, const struct audit_key *key, int64_t chain,
		       int64_t before_ms, int64_t now_ms, int64_t most, int64_t *out_count,
		       struct err *err) MUST_CHECK;

/* A head that was kept elsewhere: a line "audit head chain=7 seq=12 mac=9f..." of a log. */
bool audit_head_of_line(struct str line, struct audit_tail *out) MUST_CHECK;

struct audit_report {
	int64_t chains, entries;
	bool is_whole;
	int64_t chain, seq; /* where it is not: the first place */
	char fault[160];    /* in words */
};
/*
 * Reads all of it.  `heads`: those that were kept elsewhere.  ERR_NOT_FOUND: the key of a chain is none of
 * `keys`; nothing was decided.
 */
bool audit_verify(struct catalog *catalog, const struct audit_key *keys, size_t key_count,
		  const struct audit_tail *heads, size_t head_count, struct audit_report *out,
		  struct err *err) MUST_CHECK;
