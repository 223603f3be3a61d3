/*
 * X-Twilio-Signature: base64(HMAC-SHA1(auth token, S)), where S is the address that
 * Twilio was configured with, its query included, its #fragment not, followed by the
 * form's parameters: sorted by name (byte order), name and decoded value without
 * separators, a repeated name once for each of its distinct values, in order.  A body
 * that is no form is not in S; the address then carries bodySHA256, its SHA-256 in
 * lower case hexadecimal (Twilio: "Webhooks security").
 *
 * What Twilio signed is not always what it was configured with: the port may have been
 * dropped or added, the user name kept or dropped, the query encoded once more.
 * Twilio's own libraries try several spellings, so does this, cheapest and likeliest
 * first; every one of them names the same host, path and parameters.
 *
 * Pure, safe on any thread; allocates only for an S beyond 16 KiB or more than 128 parameters.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SIGNATURE_TEXT_SIZE 29 /* 20 bytes in base64, and NUL */

/* A decoded parameter of a form. */
struct twilio_param {
	struct str name, value;
};

enum signed_body {
	SIGNED_NOTHING, /* GET: the parameters are in the address */
	SIGNED_FORM,    /* POST with a form, or with an empty body */
	SIGNED_RAW,     /* any other body: the address must carry its bodySHA256 */
};

struct signed_request {
	/*
	 * "https://calls.example.com", with a port, a "user:password@" or a path before
	 * `target` where Twilio was configured so; without a slash at its end.
	 */
	struct str public_url;
	struct str target;    /* as received: "/webhook/recording-status?tenant=7" */
	struct str signature; /* the header's value; at == NULL when it is missing */
	enum signed_body kind;
	const struct twilio_param *params; /* SIGNED_FORM: in any order, repeated names allowed */
	size_t param_count;
	struct str body; /* SIGNED_RAW */
};

enum signature_result {
	SIGNATURE_GOOD,    /* by one of the tokens */
	SIGNATURE_MISSING, /* no header, or an empty one: answer 400 */
	SIGNATURE_WRONG,   /* by none of the tokens, or the body's hash is another: answer 403 */
};

/*
 * Checks against each of the tokens (two while they are being rotated; empty ones are
 * skipped, so no token at all means WRONG).  Compares in constant time.
 */
enum signature_result signature_check(const struct signed_request *request,
				      const struct str *tokens, size_t token_count);

/* What Twilio would send: `url` whole and as it is, params as above (none for GET and raw bodies). */
void signature_make(struct str url, const struct twilio_param *params, size_t param_count,
		    struct str token, char out[SIGNATURE_TEXT_SIZE]);
