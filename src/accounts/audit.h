/*
 * The audit: who did what, entry by entry, in chains.  One chain a start of a process; what holds a
 * chain together is audit/audit_chain.h.
 *
 * Entries are only appended.  Two things are taken away, both so that it shows: the oldest entries of a chain, whose
 * last one is remembered with its mac; and the full address of an entry, which only a mac of it vouches for.
 */
#pragma once

#include "accounts/users.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_KIND_SIZE    32
#define AUDIT_NAME_SIZE    9 /* of a credential */
#define AUDIT_FOR_SIZE     65
#define AUDIT_ADDRESS_SIZE 48
#define AUDIT_BODY_SIZE    1024

struct audit_entry {
	int64_t chain, seq; /* seq counts from 1 */
	int64_t at_ms;
	char kind[AUDIT_KIND_SIZE];
	int64_t user_id; /* 0: nobody who is known */
	char user_name[USER_NAME_SIZE];
	char credential[AUDIT_NAME_SIZE];
	char for_user[AUDIT_FOR_SIZE];
	char recording_sid[SID_SIZE];
	char network[AUDIT_ADDRESS_SIZE]; /* /24 or /48 */
	char address[AUDIT_ADDRESS_SIZE]; /* in full; "" when it is not known, or no longer */
	char address_mac[SHA256_HEX];
	char body[AUDIT_BODY_SIZE]; /* a JSON object, or "" */
	uint8_t mac[SHA256_BYTES];
};

/* Where a chain stands. */
struct audit_tail {
	int64_t chain, seq; /* seq 0: it has no entry */
	int64_t at_ms;
	uint8_t mac[SHA256_BYTES];
};

struct audit_chain_row {
	int64_t chain;
	char key_id[AUDIT_NAME_SIZE];
	int64_t began_at_ms;
	int64_t pruned_seq; /* 0: nothing was pruned */
	uint8_t pruned_mac[SHA256_BYTES];
};

/* A chain of a number that was never used. */
bool audit_add_chain(struct catalog *catalog, struct str key_id, int64_t began_at_ms,
		     int64_t *out_chain, struct err *err) MUST_CHECK;
/* In the order of their numbers, after `after`. */
bool audit_chains(struct catalog *catalog, int64_t after, struct audit_chain_row *out, size_t size,
		  size_t *out_count, struct err *err) MUST_CHECK;
bool audit_tail(struct catalog *catalog, int64_t chain, struct audit_tail *out,
		struct err *err) MUST_CHECK;
/* The ends of the chains that were written to after `since_ms`. */
bool audit_tails(struct catalog *catalog, int64_t since_ms, struct audit_tail *out, size_t size,
		 size_t *out_count, struct err *err) MUST_CHECK;

/* As it is, mac included. */
bool audit_insert(struct catalog *catalog, const struct audit_entry *entry,
		  struct err *err) MUST_CHECK;
/* Of one chain, in order, after `after_seq`: for verifying. */
bool audit_read(struct catalog *catalog, int64_t chain, int64_t after_seq, struct audit_entry *out,
		size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/* What is asked for; 0 and "" leave a column open. */
struct audit_filter {
	int64_t user_id;
	const char *kind, *recording_sid;
	int64_t since_ms, until_ms;
	/* Goes on behind this entry; before_at_ms 0: from the newest. */
	int64_t before_at_ms, before_chain, before_seq;
};
/* Newest first. */
bool audit_list(struct catalog *catalog, const struct audit_filter *filter, struct audit_entry *out,
		size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/* Takes the entries up to *upto away, *out_count of them; the chain remembers where it begins now. */
bool audit_prune(struct catalog *catalog, const struct audit_tail *upto, int64_t *out_count,
		 struct err *err) MUST_CHECK;
/*
 * Of the first `most` entries of a chain, the last before the first that is not older than `before_ms`; seq 0: none.
 * So what is taken away is a prefix, even where the clock went back.
 */
bool audit_last_before(struct catalog *catalog, int64_t chain, int64_t before_ms, int64_t most,
		       struct audit_tail *out, struct err *err) MUST_CHECK;
/* Full addresses of entries older than `before_ms`, at most `most`. */
bool audit_forget_addresses(struct catalog *catalog, int64_t before_ms, int64_t most,
			    int64_t *out_count, struct err *err) MUST_CHECK;
