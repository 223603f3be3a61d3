/*
 * Hashing passwords by argon2id (RFC 9106), as libsodium does it, in the PHC string format:
 *
 *	$argon2id$v=19$m=65536,t=3,p=1$salt$hash
 *
 * A hash costs memory and time by design, so it is made on a thread of low priority (hashers.h), never
 * on a loop.  What a hash costs is written in it: one that was planted with more than we would ever ask for is
 * refused, not tried.
 *
 * Thread: any; needs sodium_init() once.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_HASH_SIZE 128 /* crypto_pwhash_STRBYTES */

#define PASSWORD_MEMORY_LEAST (UINT64_C(19) * 1024 * 1024) /* OWASP's least, with two passes */
#define PASSWORD_MEMORY_MOST  (UINT64_C(256) * 1024 * 1024)
#define PASSWORD_PASSES_LEAST 2
#define PASSWORD_PASSES_MOST  10

struct password_cost {
	uint64_t memory_bytes;
	unsigned passes;
};
#define PASSWORD_COST_DEFAULT \
	((struct password_cost){ .memory_bytes = UINT64_C(64) * 1024 * 1024, .passes = 3 })

/* ERR_INTERNAL: there was no memory for it. */
bool password_hash_make(const struct password_cost *cost, struct str password,
			char out[PASSWORD_HASH_SIZE], struct err *err) MUST_CHECK;

enum password_match {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_BUT_CHEAP, /* made with another cost than today's: hash it again */
};
/* ERR_INVALID: the hash is none of ours, or asks for too much. */
bool password_hash_check(const struct password_cost *cost, const char *hash, struct str password,
			 enum password_match *out, struct err *err) MUST_CHECK;
