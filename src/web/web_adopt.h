/* POST /api/recordings/{RecordingSid}/adopt: takes over a file that another system left, see adoption/adoption.h. */
#pragma once

struct exchange;

void web_recording_adopt(struct exchange *x);
