/*
 * The parameters of a callback, wherever they stand: in a form, in the query of a GET, or in a
 * JSON object (as some relays send them).
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "http/exchange.h"
#include "http/form.h"
#include "twilio/signature.h"

#include <stdbool.h>
#include <stddef.h>

#define CALLBACK_ROOM_MAX \
	(256 * 1024) /* decoded texts of a body of 64 KiB, JSON escapes included */

struct callback_body {
	enum signed_body kind;
	size_t param_count;
	struct twilio_param params[FORM_FIELDS_MAX];
	struct str raw; /* what is kept: the body, or the query of a GET */
};

/*
 * The texts lie in `room`, which must outlive *out.  ERR_INVALID: malformed.  Of JSON, the texts and numbers
 * at the top of the object count.
 */
bool callback_body_read(const struct exchange *x, struct callback_body *out, struct buf *room,
			struct err *err) MUST_CHECK;
