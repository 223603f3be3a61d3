#include "live/call_json.h"

#include "api/web.h"
#include "base/clock.h"
#include "base/json.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "listing/calls_list.h"
#include "live/call_query.h"
#include "live/recording_json.h"
#include "media/arriving.h"

static void add_key(struct json *json, const struct call *call)
{
	struct call_cursor place = { call->started_at_ms, call->id };
	char key[CALL_KEY_SIZE];

	json_text(json, "key", call_key(&place, key));
}

/* How far it is, while it is being fetched. */
static void add_arriving(struct json *json, const struct web *web,
			 const struct recording *recording)
{
	struct arriving arriving;

	if (!arriving_find(web->arriving, str_of(recording->recording_sid), &arriving)) {
		json_nothing(json, "arriving");
		return;
	}
	json_open(json, "arriving", '{');
	arriving_json_add(json, &arriving);
	json_close(json, '}');
}

void arriving_json_add(struct json *json, const struct arriving *arriving)
{
	json_int(json, "bytes", (int64_t)arriving->bytes);
	if (arriving->total == ARRIVING_TOTAL_UNKNOWN)
		json_nothing(json, "total");
	else
		json_int(json, "total", (int64_t)arriving->total);
}

static void add_expiry(struct json *json, const struct web *web, const struct recording *recording)
{
	const struct retention_rules *rules = retention_now(web->retention);
	struct kept kept = recording_kept(recording);
	int64_t expires_at_ms = retention_expires_at_ms(rules, &kept);
	int64_t removal_at_ms = retention_removed_at_ms(rules, &kept);

	json_date(json, "expires_at", expires_at_ms == RETENTION_NEVER ? 0 : expires_at_ms);
	json_bool(json, "expired", expires_at_ms < clock_wall_ms());
	json_date(json, "removal_at",
		  removal_at_ms == RETENTION_NEVER || recording_is_removed(recording->state)
			  ? 0
			  : removal_at_ms);
}

/* What was going on when the call ended goes on no more, though nothing was told of it yet. */
static const char *state_text(const struct call *call, const struct recording *recording)
{
	bool is_live = recording->state == RECORDING_ANNOUNCED &&
		       !call_status_is_final(call->status);

	if (is_live && recording->live == RECORDING_LIVE)
		return "recording";
	if (is_live && recording->live == RECORDING_LIVE_PAUSED)
		return "paused";
	return recording_state_text(recording->state);
}

void call_json_open_recording(struct json *json, const struct web *web, const struct call *call,
			      const struct recording *recording)
{
	bool is_stored = recording->state == RECORDING_STORED;

	json_open(json, NULL, '{');
	json_text(json, "recording_sid", str_of(recording->recording_sid));
	json_text(json, "state", str_of(state_text(call, recording)));
	json_date(json, "started_at", recording->started_at_ms);
	if (recording->duration_s >= 0)
		json_int(json, "duration", recording->duration_s);
	else
		json_nothing(json, "duration");
	json_int(json, "channels", is_stored ? recording->channels_stored : recording->channels);
	json_text(json, "source", recording->source[0] ? str_of(recording->source) : STR_NONE);
	json_bool(json, "held", recording->is_held);
	recording_json_hold(json, recording);
	add_expiry(json, web, recording);
	add_arriving(json, web, recording);
	json_bool(json, "waveform", is_stored && recording->waveform == RECORDING_WAVEFORM_STORED);
	if (is_stored) {
		json_text(json, "format", str_of(recording->format));
		json_int(json, "size", (int64_t)recording->size);
		json_text(json, "sha256",
			  recording->sha256[0] ? str_of(recording->sha256) : STR_NONE);
		json_seconds(json, "measured_duration", recording->duration_ms);
		json_bool(json, "duration_differs", recording->is_duration_off);
		json_date(json, "stored_at", recording->stored_at_ms);
	}
	if (recording_is_removed(recording->state))
		json_date(json, "removed_at", recording->removed_at_ms);
	if (recording->reason_code[0] != '\0' && !is_stored) {
		json_open(json, "reason", '{');
		json_text(json, "code", str_of(recording->reason_code));
		json_text(json, "text", str_of(recording->reason_text));
		json_close(json, '}');
		json_date(json, "next_try_at",
			  recording->next_try_at_ms == RECORDING_NEVER ? 0
								       : recording->next_try_at_ms);
	} else {
		json_nothing(json, "reason");
	}
}

void call_json_open(struct json *json, const struct call *call)
{
	json_open(json, NULL, '{');
	json_text(json, "call_sid", str_of(call->call_sid));
	add_key(json, call);
	json_int(json, "seq", call->changed_seq);
	json_text(json, "parent_call_sid",
		  call->parent_call_sid[0] ? str_of(call->parent_call_sid) : STR_NONE);
	json_text(json, "account_sid", call->account_sid[0] ? str_of(call->account_sid) : STR_NONE);
	json_text(json, "direction",
		  call->direction_text[0] ? str_of(call->direction_text) : STR_NONE);
	json_text(json, "from", call->from[0] ? str_of(call->from) : STR_NONE);
	json_text(json, "to", call->to[0] ? str_of(call->to) : STR_NONE);
	json_text(json, "status",
		  call->status == CALL_STATUS_UNKNOWN ? STR_NONE
						      : str_of(call_status_text(call->status)));
	json_date(json, "started_at", call->started_at_ms);
	json_date(json, "ended_at", call->ended_at_ms);
	if (call->duration_s >= 0)
		json_int(json, "duration", call->duration_s);
	else
		json_nothing(json, "duration");
	json_text(json, "main_recording_sid",
		  call->main_recording_sid[0] ? str_of(call->main_recording_sid) : STR_NONE);
	json_int(json, "recording_count", call->recordings);
	json_open(json, "recordings", '[');
}

void call_json_close(struct json *json)
{
	json_close(json, ']');
	json_close(json, '}');
}

void call_json_add_row(struct json *json, const struct web *web, const struct call_row *row)
{
	call_json_open(json, &row->call);
	if (row->call.main_recording_sid[0] != '\0') {
		call_json_open_recording(json, web, &row->call, &row->recording);
		json_close(json, '}');
	}
	call_json_close(json);
}
