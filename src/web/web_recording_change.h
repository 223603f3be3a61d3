/*
 * What a person decides about one recording:
 *
 *	POST   /api/recordings/{RecordingSid}/hold   {"reason": "..."}: neither expires nor is removed
 *	DELETE /api/recordings/{RecordingSid}/hold   no longer
 *	DELETE /api/recordings/{RecordingSid}        our copy goes, for good
 *
 * Each is one turn of the ledger, with its entry in the audit.  Asked for again, what is so already is good, and
 * no second entry.
 */
#pragma once

struct exchange;

void web_recording_hold(struct exchange *x);
void web_recording_lift_hold(struct exchange *x);
void web_recording_delete(struct exchange *x);
