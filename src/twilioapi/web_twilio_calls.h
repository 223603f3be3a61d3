/*
 * GET /2010-04-01/Accounts/{AccountSid}/Calls[.json]
 * GET /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}.json
 *
 * Calls as Twilio tells of them: those that callspool was told of, newest first.
 */
#pragma once

struct exchange;

void web_twilio_calls(struct exchange *x);
void web_twilio_call(struct exchange *x);
