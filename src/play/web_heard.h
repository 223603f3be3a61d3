/*
 * POST /api/recordings/{RecordingSid}/heard, POST /l/{name}/heard: what a player has played since its last report, for
 * the audit: {"ranges": [[0, 15.2], [40, 55]]}, in seconds.  204.
 *
 * A page that is being closed sends it last and hears no answer: a report counts whether its client is there or not.
 */
#pragma once

struct exchange;

void web_recording_heard(struct exchange *x);
void web_link_heard(struct exchange *x);
