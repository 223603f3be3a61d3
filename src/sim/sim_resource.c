#include "sim/sim_resource.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/sim_cipher.h"
#include "sim/sim_state.h"

static void json_date_or_null(struct json *json, const char *key, int64_t at_ms)
{
	char date[32];

	if (at_ms == 0) {
		json_nothing(json, key);
		return;
	}
	clock_rfc2822_date(at_ms, date);
	json_text(json, key, str_of(date));
}

static void json_number_text(struct json *json, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	json_text(json, key, str_of(text));
}

static void json_path(struct json *json, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void json_path(struct json *json, const char *key, const char *fmt, ...)
{
	char array[512];
	struct buf path;
	va_list args;

	buf_over(&path, array, sizeof(array));
	va_start(args, fmt);
	buf_addv(&path, fmt, args);
	va_end(args);
	json_text(json, key, buf_str(&path));
}

void sim_write_recording(struct json *json, const struct sim_recording *recording)
{
	const struct sim *sim = recording->call->sim;
	bool is_over = strcmp(recording->status, "in-progress") != 0 &&
		       strcmp(recording->status, "processing") != 0;

	json_open(json, NULL, '{');
	json_text(json, "account_sid", str_of(sim->account_sid));
	json_text(json, "api_version", STR("2010-04-01"));
	json_text(json, "call_sid", str_of(recording->call->sid));
	json_nothing(json, "conference_sid");
	json_date_or_null(json, "date_created", recording->created_at_ms);
	json_date_or_null(json, "date_updated", recording->updated_at_ms);
	json_date_or_null(json, "start_time", recording->started_at_ms);
	if (is_over)
		json_number_text(json, "duration", (recording->duration_ms + 500) / 1000);
	else
		json_text(json, "duration", STR("-1"));
	json_text(json, "sid", str_of(recording->sid));
	if (is_over)
		json_text(json, "price", STR("-0.00250"));
	else
		json_nothing(json, "price");
	json_text(json, "price_unit", STR("USD"));
	json_text(json, "status", str_of(recording->status));
	json_int(json, "channels", recording->channels);
	json_text(json, "source", str_of(recording->source));
	if (recording->error_code > 0)
		json_int(json, "error_code", recording->error_code);
	else
		json_nothing(json, "error_code");
	json_text(json, "track", STR("both"));
	json_path(json, "uri", "/2010-04-01/Accounts/%s/Recordings/%s.json", sim->account_sid,
		  recording->sid);
	if (recording->sealing && is_over)
		sim_sealing_write(recording->sealing, json);
	else
		json_nothing(json, "encryption_details");
	json_open(json, "subresource_uris", '{');
	json_path(json, "add_on_results", "/2010-04-01/Accounts/%s/Recordings/%s/AddOnResults.json",
		  sim->account_sid, recording->sid);
	json_path(json, "transcriptions",
		  "/2010-04-01/Accounts/%s/Recordings/%s/Transcriptions.json", sim->account_sid,
		  recording->sid);
	json_close(json, '}');
	json_path(json, "media_url", "%s/2010-04-01/Accounts/%s/Recordings/%s", sim->url,
		  sim->account_sid, recording->sid);
	json_close(json, '}');
}

static void call_write_subresources(struct json *json, const struct sim_call *call)
{
	static const struct {
		const char *key, *name;
	} rows[] = { { "recordings", "Recordings" },
		     { "notifications", "Notifications" },
		     { "feedback", "Feedback" },
		     { "streams", "Streams" },
		     { "payments", "Payments" },
		     { "siprec", "Siprec" },
		     { "events", "Events" },
		     { "user_defined_messages", "UserDefinedMessages" },
		     { "transcriptions", "Transcriptions" },
		     { "user_defined_message_subscriptions", "UserDefinedMessageSubscriptions" } };

	json_open(json, "subresource_uris", '{');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_path(json, rows[i].key, "/2010-04-01/Accounts/%s/Calls/%s/%s.json",
			  call->sim->account_sid, call->sid, rows[i].name);
	json_close(json, '}');
}

void sim_write_call(struct json *json, const struct sim_call *call)
{
	static const char *const nulls[] = { "parent_call_sid", "answered_by", "forwarded_from",
					     "group_sid",       "caller_name", "trunk_sid" };
	bool is_over = call->ended_at_ms > 0;

	json_open(json, NULL, '{');
	json_text(json, "sid", str_of(call->sid));
	json_text(json, "account_sid", str_of(call->sim->account_sid));
	json_text(json, "api_version", STR("2010-04-01"));
	json_date_or_null(json, "date_created", call->created_at_ms);
	json_date_or_null(json, "date_updated", call->updated_at_ms);
	json_text(json, "from", str_of(call->from));
	json_text(json, "from_formatted", str_of(call->from));
	json_text(json, "to", str_of(call->to));
	json_text(json, "to_formatted", str_of(call->to));
	json_text(json, "phone_number_sid", STR(""));
	json_text(json, "status", str_of(call->status));
	json_date_or_null(json, "start_time", call->started_at_ms);
	json_date_or_null(json, "end_time", call->ended_at_ms);
	if (is_over)
		json_number_text(json, "duration", call->duration_ms / 1000);
	else
		json_nothing(json, "duration");
	json_nothing(json, "price");
	json_text(json, "price_unit", STR("USD"));
	json_text(json, "direction", str_of(call->direction));
	json_text(json, "queue_time", STR("0"));
	json_text(json, "annotation", STR(""));
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		json_nothing(json, nulls[i]);
	json_path(json, "uri", "/2010-04-01/Accounts/%s/Calls/%s.json", call->sim->account_sid,
		  call->sid);
	call_write_subresources(json, call);
	json_close(json, '}');
}
