/*
 * One form for every secret that callspool gives out: sessions, devices, API tokens, links, their
 * visits, and invitations.
 *
 *	Zk3_x81QmB0v...          32 characters of base64url (RFC 4648, 5) from 24 random bytes
 *	|- name|- secret
 *
 * The first 8 characters are its *name*: public, in lists, logs and the audit.  The other 24 (144
 * bits) are what nobody else knows.  Stored are the name and the SHA-256 of all 32: a random secret of
 * that size needs no slow hash.  An API token is written with a prefix that scanners of published
 * sources look for.
 *
 * A name never begins with '-', so that commands can be given it.  Pure but for the making of one.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/hash.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDENTIAL_LEN       32
#define CREDENTIAL_NAME_LEN  8
#define CREDENTIAL_SIZE      (CREDENTIAL_LEN + 1)
#define CREDENTIAL_NAME_SIZE (CREDENTIAL_NAME_LEN + 1)
#define CREDENTIAL_PREFIX    "csp_" /* of an API token */

/* A new one.  `text` is the secret: shown once, then wiped. */
struct credential {
	char text[CREDENTIAL_SIZE];
	char name[CREDENTIAL_NAME_SIZE];
	uint8_t hash[SHA256_BYTES];
};

void credential_make(struct credential *out);
void credential_wipe(struct credential *credential);

/* Is it of the form?  Nothing else is looked up. */
bool credential_is_well_formed(struct str text);
/* Of a well-formed one. */
struct str credential_name(struct str text);
void credential_hash(struct str text, uint8_t out[SHA256_BYTES]);
/* Takes the prefix off an API token; false where it has none, or is not of the form behind it. */
bool credential_of_token(struct str token, struct str *out) MUST_CHECK;

/*
 * A request target, or any text, fit to be logged: of an address of a link (/l/...) and of an API token the
 * name is left, the rest becomes "...".  What only may be a secret, because it is
 * misspelt or percent-encoded, goes too.
 */
void credential_redact(struct buf *buf, struct str text);
