/*
 * POST|GET /webhook/recording-status and /webhook/call-status: Twilio's status callbacks.
 *
 * 200 with an empty <Response/> means that the event is committed.  400: no signature, or not a
 * callback; 403: a wrong signature; 503: it could not be committed.  Nothing is stored unless 200.
 */
#pragma once

struct exchange;

void web_recording_status(struct exchange *x);
void web_call_status(struct exchange *x);
