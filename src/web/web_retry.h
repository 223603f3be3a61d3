/*
 * POST /api/recordings/{RecordingSid}/retry, POST /api/calls/{CallSid}/retry: a person wants what has failed, or waits,
 * to be fetched again, at once.
 */
#pragma once

struct exchange;

void web_recording_retry(struct exchange *x);
void web_call_retry(struct exchange *x); /* all its recordings that are not here */
