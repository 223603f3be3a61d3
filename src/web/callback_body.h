/*
 * The parameters of a callback, wherever they stand: in a form, in the query of a GET, or in a
 * JSON object (as some relays send them).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "http/exchange.h"
#include "twilio/signature.h"

#include <stdbool.h>
#include <stddef.h>

/* Of as many parameters as the body holds: its length is their only limit. */
struct callback_body {
	enum signed_body kind;
	size_t param_count;
	struct twilio_param *params; /* owned */
	char *texts;                 /* owned: what they point into, each copied once */
	struct str raw; /* what is kept: the body, or the query of a GET; the request's */
};

/*
 * ERR_INVALID: malformed, and *out is empty.  Of JSON, the texts and whole numbers at the top of the object
 * count.
 */
bool callback_body_read(const struct exchange *x, struct callback_body *out,
			struct err *err) MUST_CHECK;
void callback_body_release(struct callback_body *body);
static inline void callback_body_release_at(struct callback_body *body)
{
	callback_body_release(body);
}
