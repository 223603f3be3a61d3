/*
 * Which passwords are taken: NIST SP 800-63B-4, 3.1.1.2, and OWASP ASVS 5.0, 6.2.
 *
 * At least 15 characters (a setting), at most 256, whichever: no rule of composition, no expiry.  Refused, with
 * the reason, is what others would guess first: a listed one, the account's name or ours repeated, one character,
 * a counting sequence, or one that a file of breached passwords holds.
 *
 * Length does what lists do: of the 30,000 commonest passwords that zxcvbn ships, 31 have 15 characters or
 * more, and those are here.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define PASSWORD_MAX      256 /* characters: more is no stronger, and hashing must be bounded */
#define PASSWORD_SIZE_MAX (PASSWORD_MAX * 4)

struct password_rules {
	unsigned least;   /* characters; 0: 15 */
	const char *host; /* of public_url; NULL: none */
	const char *
		breached_file; /* SHA-1 in upper case, ordered, ":count" behind each or not; NULL: none */
};

enum password_fault {
	PASSWORD_GOOD,
	PASSWORD_TOO_SHORT,
	PASSWORD_TOO_LONG,
	PASSWORD_NOT_TEXT, /* no UTF-8, or a NUL in it */
	PASSWORD_NAME,     /* the account's name, our host or "callspool", once or repeated */
	PASSWORD_LISTED,
	PASSWORD_SEQUENCE, /* one character, or counting up or down */
	PASSWORD_BREACHED,
	PASSWORD_FAULTS,
};

/*
 * `name`: of the account.  Reads the breached file (some 35 small reads), so never on a loop.  False where that
 * cannot be read: nothing was decided.
 */
bool password_judge(const struct password_rules *rules, struct str name, struct str password,
		    enum password_fault *out, struct err *err) MUST_CHECK;
/* As the API spells it ("too_short"), and a sentence for a person. */
const char *password_fault_code(enum password_fault fault);
const char *password_fault_text(enum password_fault fault);
