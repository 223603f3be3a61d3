/*
 * GET /2010-04-01/Accounts/{AccountSid}/Recordings[.json]
 * GET /2010-04-01/Accounts/{AccountSid}/Recordings/{RecordingSid}.json
 * GET /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}/Recordings.json
 *
 * Recordings as Twilio tells of them.  What is not here any more, or older than recordings are kept, is "deleted": told of
 * only where the query says IncludeSoftDeleted=true.
 */
#pragma once

struct exchange;

void web_twilio_recordings(struct exchange *x);
void web_twilio_recording(struct exchange *x);
void web_twilio_call_recordings(struct exchange *x);
