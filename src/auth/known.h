/*
 * The credentials that one serving loop knows: who stands behind what a request shows, without a
 * query, a lock or an allocation.
 *
 * 16,384 entries of a cache line each, in sets of eight; of memory that is shared with the plays of who is known
 * (base/line_pairs.h).  What is compared is a keyed hash of the credential as it was
 * sent (128 bits, a random key of the process): a guess is worth 2^-128, timing tells nothing of the secret, and
 * nothing secret stays in memory.  It is AES's where the processor has that and the text is of the length of a session
 * or a token (base/aes_mac.h), else SipHash-2-4.  Each source has a hash of its own, so a session that is shown as a
 * token is nobody.
 *
 * An entry that is here says what the ledger said once.  The feed tells when that is no longer so
 * (known_drop_*()); the clock is the other end, expires_s and idle_s are of the wall clock.
 *
 * Thread: the loop's own.
 */
#pragma once

#include "base/compiler.h"
#include "base/line_pairs.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a request showed it. */
enum known_source {
	KNOWN_COOKIE,
	KNOWN_BEARER,
	KNOWN_BASIC,
	KNOWN_LINK,       /* in the path of an address */
	KNOWN_LINK_VISIT, /* the cookie of a link's visit */
	KNOWN_PROXY,      /* the user's name in a trusted proxy's header */
	KNOWN_SOURCES,
};

#define KNOWN_SID_BYTES 16 /* the 32 hexadecimal digits of a RecordingSid */

/* One cache line; a plain value.  An admitted exchange carries a copy. */
struct known {
	uint64_t tag[2];        /* 0, 0: the place is free */
	uint64_t user_id;       /* 0: none stands behind it (nobody, or a link) */
	uint64_t credential_id; /* 0: no row: a proxy's user, or nobody */
	uint32_t expires_s;     /* not after; UINT32_MAX: never */
	uint32_t idle_s;        /* not after, unless it was seen meanwhile: ask again */
	uint32_t seen_s;        /* when a request last showed it here */
	uint8_t source;         /* enum known_source */
	uint8_t kind;           /* enum credential_kind, 0: nobody */
	uint16_t rights;
	uint8_t sid[KNOWN_SID_BYTES]; /* the one recording that a link opens; else zeros */
};
_Static_assert(sizeof(struct known) == LINE_BYTES, "an entry is a cache line");

#define KNOWN_PLACES 16384

struct known_table;

/* `key`: the process's, random, so that loops need not differ. */
#define KNOWN_KEY_BYTES 16
/* `lines`: KNOWN_PLACES of them, zeros, which outlive it. */
struct known_table *known_table_new(const uint8_t key[KNOWN_KEY_BYTES], struct lines lines);
void known_table_free(struct known_table *table);

/* The hash by which `text`, as it was sent, is found. */
void known_tag(const struct known_table *table, enum known_source source, struct str text,
	       uint64_t out[2]);
/*
 * Where it stands, without a look at the entry: as far as 16 bits of it tell, and if it is there at all.  The same from one time
 * to the next, unless it is dropped and put anew.
 */
unsigned known_place(const struct known_table *table, const uint64_t tag[2]);
/* It is about to be looked for: what stands at that place is wanted from memory. */
void known_expect(const struct known_table *table, unsigned place);
/* NULL: not here, or over at `now_s`.  Valid until the next put or drop. */
struct known *known_find(struct known_table *table, const uint64_t tag[2], uint32_t now_s);
/* The same; `place`: known_place(), of a moment ago. */
struct known *known_find_at(struct known_table *table, unsigned place, const uint64_t tag[2],
			    uint32_t now_s);
/* Takes the place of the same tag, of a free or expired one, of nobody, or of whoever was not seen for longest. */
struct known *known_put(struct known_table *table, const struct known *entry, uint32_t now_s);

/* Of a change in the ledger; walks the table. */
void known_drop_credential(struct known_table *table, uint64_t credential_id);
void known_drop_user(struct known_table *table, uint64_t user_id);
void known_drop_kind(struct known_table *table, uint8_t kind);
void known_drop_all(struct known_table *table);

/* Embedded in who walks the table. */
struct known_visitor {
	void (*visit)(struct known_visitor *visitor, const struct known *entry);
};
/*
 * Entries with a row that were seen after `since_s`, at most `most` (8 or more): for the ledger, which is told in
 * batches.  `from`: 0, or where the call before said to go on.  Returns where to go on; 0: all were visited.
 */
unsigned known_each_seen(const struct known_table *table, uint32_t since_s, unsigned from,
			 unsigned most, struct known_visitor *visitor);
