#include "sim/sim_resource.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sim/sim_cipher.h"
#include "sim/sim_state.h"
#include "twilio/rest_write.h"

void sim_write_recording(struct json *json, const struct sim_recording *recording)
{
	const struct sim *sim = recording->call->sim;
	bool is_over = strcmp(recording->status, "in-progress") != 0 &&
		       strcmp(recording->status, "processing") != 0;
	char media_url[512];
	struct buf url;

	buf_over(&url, media_url, sizeof(media_url));
	buf_addf(&url, "%s" REST_ROOT "%s/Recordings/%s", sim->url, sim->account_sid,
		 recording->sid);

	struct rest_recording resource = {
		.account_sid = str_of(sim->account_sid),
		.recording_sid = str_of(recording->sid),
		.call_sid = str_of(recording->call->sid),
		.status = str_of(recording->status),
		.source = str_of(recording->source),
		.track = STR("both"),
		.media_url = buf_str(&url),
		.duration_s = is_over ? (recording->duration_ms + 500) / 1000 : REST_UNKNOWN,
		.channels = recording->channels,
		.started_at_ms = recording->started_at_ms,
		.created_at_ms = recording->created_at_ms,
		.updated_at_ms = recording->updated_at_ms,
		.error_code = recording->error_code,
	};

	rest_open_recording(json, &resource);
	if (is_over)
		json_text(json, "price", STR("-0.00250"));
	else
		json_nothing(json, "price");
	if (recording->sealing && is_over)
		sim_sealing_write(recording->sealing, json);
	else
		json_nothing(json, "encryption_details");
	json_close(json, '}');
}

void sim_write_call(struct json *json, const struct sim_call *call)
{
	bool is_over = call->ended_at_ms > 0;
	struct rest_call resource = {
		.account_sid = str_of(call->sim->account_sid),
		.call_sid = str_of(call->sid),
		.status = str_of(call->status),
		.direction = str_of(call->direction),
		.from = str_of(call->from),
		.to = str_of(call->to),
		.duration_s = is_over ? call->duration_ms / 1000 : REST_UNKNOWN,
		.created_at_ms = call->created_at_ms,
		.updated_at_ms = call->updated_at_ms,
		.started_at_ms = call->started_at_ms,
		.ended_at_ms = call->ended_at_ms,
	};

	rest_write_call(json, &resource);
}
