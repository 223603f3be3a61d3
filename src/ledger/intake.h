/*
 * A callback becomes an event, and the event is committed; then, and only then, the
 * sender is answered.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/signature.h"

#include <stdbool.h>
#include <stddef.h>

struct ledger;
struct mailbox;

enum intake_kind { INTAKE_RECORDING_STATUS, INTAKE_CALL_STATUS };

/* What was received; borrowed for the call. */
struct intake_callback {
	enum intake_kind kind;
	const struct twilio_param *params; /* decoded */
	size_t param_count;
	struct str
		raw; /* the form, query or body as it came: what we do not know of it stays there */
	struct str idempotency; /* I-Twilio-Idempotency-Token */
	struct str request_id;
};

/* Embedded in who waits for the commit.  Its owner may leave: intake_leave(). */
struct intake_waiter {
	void (*committed)(struct intake_waiter *waiter, bool succeeded);
	struct intake *intake; /* internal */
};

/*
 * Reads a callback (twilio/callback.h) and sends its event to the writer; committed() is
 * called once, later, on the loop of `reply`.
 *
 * ERR_INVALID: it is not a callback; nothing was sent, committed() is not called.
 */
bool intake_post(struct ledger *ledger, struct mailbox *reply,
		 const struct intake_callback *callback, struct intake_waiter *waiter,
		 struct err *err) MUST_CHECK;
/* The sender is gone: the event is committed all the same, and nobody is told. */
void intake_leave(struct intake_waiter *waiter);
