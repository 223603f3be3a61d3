/*
 * Who speaks in which channel of a recording: the agent or the customer.
 *
 * Twilio puts the leg that it calls the parent into the first channel, what that leg hears into the second.  A parent
 * leg that comes in from a telephone is the customer's; one that comes from a client of Twilio's
 * (client:name: a browser, an app) is the agent's, and so is one that Twilio was told to call there.  All else is not
 * known: a call that the API began may have rung the agent first or the customer, a SIP address may be a trunk
 * or a desk, and a conference has the first who joined in its first channel, whoever that was.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/recordings.h"

enum recording_sides {
	RECORDING_SIDES_UNKNOWN,
	RECORDING_AGENT_FIRST,
	RECORDING_CUSTOMER_FIRST,
};

/* Pure. */
enum recording_sides recording_sides(const struct recording *recording, const struct call *call);
