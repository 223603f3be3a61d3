#include "rest/listed_event.h"

#include "base/clock.h"

void listed_event(const struct rest_recording *told, struct str account_sid, struct event *out)
{
	event_init(out, EVENT_RECORDING_LISTED, clock_wall_ms());
	out->account_sid = told->account_sid.at ? told->account_sid : account_sid;
	out->call_sid = told->call_sid;
	out->recording_sid = told->recording_sid;
	out->status = told->status;
	out->source = told->source;
	out->track = told->track;
	out->recording_url = told->media_url;
	out->encryption = told->encryption;
	out->duration_s = told->duration_s;
	out->channels = told->channels;
	out->started_at_ms = told->started_at_ms ? told->started_at_ms : told->created_at_ms;
	out->error_code = told->error_code > 0 ? told->error_code : 0;
}
