/* What is said of calls and recordings in every state, as docs/openapi.yaml promises it. */
#include "live/call_json.h"

#include "api/web.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "listing/calls_list.h"
#include "media/arriving.h"
#include "must.h"
#include "retention/retention.h"
#include "tap.h"

#include <jansson.h>
#include <string.h>

#define CALL      "CA0123456789abcdef0123456789abcdef"
#define RECORDING "RE0123456789abcdef0123456789abcdef"
#define ACCOUNT   "AC0123456789abcdef0123456789abcdef"
#define SHA       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define AT(second) (INT64_C(1700000000000) + (second)*1000) /* 2023-11-14T22:13:20Z */
#define DAY_MS     (INT64_C(24) * 60 * 60 * 1000)

static struct web web;
static struct call_row row;
static json_t *said;

/* What nothing was told of, but that it is there. */
static void begin(enum recording_state state)
{
	row = (struct call_row){
		.call = { .id = 7, .started_at_ms = AT(0), .duration_s = -1 },
		.recording = { .state = state, .duration_s = -1, .channels_wanted = 2 },
	};
	memcpy(row.call.call_sid, CALL, SID_SIZE);
	memcpy(row.call.main_recording_sid, RECORDING, SID_SIZE);
	memcpy(row.recording.recording_sid, RECORDING, SID_SIZE);
}

static void tell(void)
{
	struct buf text;
	struct json json;

	buf_init(&text, 100000);
	json_start(&json, &text);
	call_json_add_row(&json, &web, &row);
	json_decref(said);
	said = json_loadb(text.at, text.len, 0, NULL);
	buf_release(&text);
	if (!said) {
		printf("Bail out! it is no JSON\n");
		exit(1);
	}
}

static const json_t *recording(void)
{
	return json_array_get(json_object_get(said, "recordings"), 0);
}

/* A member as JSON; "none" when it is not there.  Valid until the next call. */
static struct str member(const json_t *object, const char *key)
{
	static char text[1000];
	const json_t *value = json_object_get(object, key);
	size_t len;

	if (!value)
		return STR("none");
	len = json_dumpb(value, text, sizeof(text),
			 JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
	return (struct str){ text, len };
}

struct told {
	const char *key, *value;
};

static void check(const char *what, const json_t *object, const struct told *told)
{
	for (; told->key; told++)
		IS_STR(member(object, told->key), str_of(told->value), "%s: %s", what, told->key);
}

static void test_states(void)
{
	static const struct {
		enum recording_state state;
		enum recording_live live;
		enum call_status status;
		const char *text, *why;
	} cases[] = {
		{ RECORDING_ANNOUNCED, RECORDING_NOT_LIVE, CALL_IN_PROGRESS, "\"announced\"",
		  "processed while the call goes on" },
		{ RECORDING_ANNOUNCED, RECORDING_LIVE, CALL_IN_PROGRESS, "\"recording\"",
		  "recorded just now" },
		{ RECORDING_ANNOUNCED, RECORDING_LIVE, CALL_STATUS_UNKNOWN, "\"recording\"",
		  "recorded in a call of which nothing else was told" },
		{ RECORDING_ANNOUNCED, RECORDING_LIVE_PAUSED, CALL_RINGING, "\"paused\"",
		  "paused" },
		{ RECORDING_ANNOUNCED, RECORDING_LIVE, CALL_COMPLETED, "\"announced\"",
		  "its call is over" },
		{ RECORDING_ANNOUNCED, RECORDING_LIVE_PAUSED, CALL_CANCELED, "\"announced\"",
		  "paused, and its call is over" },
		{ RECORDING_QUEUED, RECORDING_LIVE, CALL_IN_PROGRESS, "\"queued\"",
		  "the last that was told is that it is recorded, and it is complete" },
		{ RECORDING_QUEUED, RECORDING_LIVE_PAUSED, CALL_IN_PROGRESS, "\"queued\"",
		  "the same of a pause" },
		{ RECORDING_WAITING, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"waiting\"",
		  "it waits" },
		{ RECORDING_STORED, RECORDING_LIVE, CALL_IN_PROGRESS, "\"stored\"", "stored" },
		{ RECORDING_ABSENT, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"absent\"", "absent" },
		{ RECORDING_DEAD, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"dead\"", "given up" },
		{ RECORDING_GONE, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"gone\"", "gone" },
		{ RECORDING_PURGED, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"purged\"", "purged" },
		{ RECORDING_DELETED, RECORDING_NOT_LIVE, CALL_COMPLETED, "\"deleted\"", "deleted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(cases[i].state);
		row.recording.live = cases[i].live;
		row.call.status = cases[i].status;
		tell();
		IS_STR(member(recording(), "state"), str_of(cases[i].text), "%s", cases[i].why);
	}
}

static void test_call(void)
{
	static const struct told little[] = {
		{ "call_sid", "\"" CALL "\"" },
		{ "key", "\"1700000000000.7\"" },
		{ "seq", "0" },
		{ "parent_call_sid", "null" },
		{ "account_sid", "null" },
		{ "direction", "null" },
		{ "from", "null" },
		{ "to", "null" },
		{ "status", "null" },
		{ "started_at", "\"2023-11-14T22:13:20.000Z\"" },
		{ "ended_at", "null" },
		{ "duration", "null" },
		{ "main_recording_sid", "null" },
		{ "recording_count", "0" },
		{ "recordings", "[]" },
		{ 0 },
	};
	static const struct told all[] = {
		{ "seq", "12" },
		{ "parent_call_sid", "\"" CALL "\"" },
		{ "account_sid", "\"" ACCOUNT "\"" },
		{ "direction", "\"outbound-api\"" },
		{ "from", "\"+12025550100\"" },
		{ "to", "\"sip:dana@example.com\"" },
		{ "status", "\"no-answer\"" },
		{ "ended_at", "\"2023-11-14T22:13:50.000Z\"" },
		{ "duration", "0" },
		{ "main_recording_sid", "\"" RECORDING "\"" },
		{ "recording_count", "2" },
		{ 0 },
	};

	begin(RECORDING_ANNOUNCED);
	row.call.main_recording_sid[0] = '\0';
	tell();
	check("a call of which little is known", said, little);

	begin(RECORDING_ANNOUNCED);
	row.call.changed_seq = 12;
	memcpy(row.call.parent_call_sid, CALL, SID_SIZE);
	memcpy(row.call.account_sid, ACCOUNT, SID_SIZE);
	str_fit(STR("outbound-api"), row.call.direction_text, sizeof(row.call.direction_text));
	str_fit(STR("+12025550100"), row.call.from, sizeof(row.call.from));
	str_fit(STR("sip:dana@example.com"), row.call.to, sizeof(row.call.to));
	row.call.status = CALL_NO_ANSWER;
	row.call.ended_at_ms = AT(30);
	row.call.duration_s = 0;
	row.call.recordings = 2;
	tell();
	check("a call of which all is known", said, all);
	IS_INT(json_array_size(json_object_get(said, "recordings")), 1, "with its main recording");
}

/* As it is when it was stored: other states are this one changed. */
static void begin_stored(enum recording_state state)
{
	struct recording *of = &row.recording;

	begin(state);
	of->started_at_ms = AT(1);
	of->duration_s = 0;
	of->channels = 1;
	of->channels_stored = 2;
	str_fit(STR("DialVerb"), of->source, sizeof(of->source));
	str_fit(STR("mp3"), of->format, sizeof(of->format));
	str_fit(STR(SHA), of->sha256, sizeof(of->sha256));
	of->size = 4321;
	of->duration_ms = 26080;
	of->is_duration_off = true;
	of->waveform = RECORDING_WAVEFORM_STORED;
	of->stored_at_ms = AT(40);
	of->removed_at_ms = AT(50);
	str_fit(STR("media_incomplete"), of->reason_code, sizeof(of->reason_code));
	str_fit(STR("It broke off."), of->reason_text, sizeof(of->reason_text));
	of->next_try_at_ms = AT(60);
}

static void test_recording(void)
{
	static const struct told little[] = {
		{ "recording_sid", "\"" RECORDING "\"" },
		{ "started_at", "null" },
		{ "duration", "null" },
		{ "channels", "0" },
		{ "source", "null" },
		{ "held", "false" },
		{ "hold", "null" },
		{ "expires_at", "null" },
		{ "expired", "false" },
		{ "removal_at", "null" },
		{ "arriving", "null" },
		{ "waveform", "false" },
		{ "reason", "null" },
		{ "format", "none" },
		{ "size", "none" },
		{ "removed_at", "none" },
		{ 0 },
	};
	static const struct told stored[] = {
		{ "started_at", "\"2023-11-14T22:13:21.000Z\"" },
		{ "duration", "0" },
		{ "channels", "2" },
		{ "source", "\"DialVerb\"" },
		{ "waveform", "true" },
		{ "format", "\"mp3\"" },
		{ "size", "4321" },
		{ "sha256", "\"" SHA "\"" },
		{ "measured_duration", "26.08" },
		{ "duration_differs", "true" },
		{ "stored_at", "\"2023-11-14T22:14:00.000Z\"" },
		{ "removed_at", "none" },
		{ "reason", "null" },
		{ "next_try_at", "none" },
		{ 0 },
	};
	static const struct told waiting[] = {
		{ "channels", "1" },
		{ "waveform", "false" },
		{ "format", "none" },
		{ "sha256", "none" },
		{ "stored_at", "none" },
		{ "removed_at", "none" },
		{ "reason", "{\"code\":\"media_incomplete\",\"text\":\"It broke off.\"}" },
		{ "next_try_at", "\"2023-11-14T22:14:20.000Z\"" },
		{ 0 },
	};
	static const struct told removed[] = {
		{ "channels", "1" },
		{ "waveform", "false" },
		{ "size", "none" },
		{ "removed_at", "\"2023-11-14T22:14:10.000Z\"" },
		{ 0 },
	};

	begin(RECORDING_QUEUED);
	tell();
	check("of which little is known", recording(), little);
	begin_stored(RECORDING_STORED);
	tell();
	check("stored", recording(), stored);
	row.recording.sha256[0] = '\0';
	row.recording.waveform = RECORDING_WAVEFORM_PENDING;
	tell();
	IS_STR(member(recording(), "sha256"), STR("null"), "no digest yet");
	IS_STR(member(recording(), "waveform"), STR("false"), "no waveform yet");
	row.recording.waveform = RECORDING_WAVEFORM_NONE;
	tell();
	IS_STR(member(recording(), "waveform"), STR("false"), "nor ever one");
	begin_stored(RECORDING_WAITING);
	tell();
	check("waiting", recording(), waiting);
	row.recording.next_try_at_ms = RECORDING_NEVER;
	tell();
	IS_STR(member(recording(), "next_try_at"), STR("null"), "it is not tried any more");
	begin_stored(RECORDING_PURGED);
	tell();
	check("purged", recording(), removed);
	begin_stored(RECORDING_DELETED);
	tell();
	check("deleted", recording(), removed);
	begin_stored(RECORDING_GONE);
	tell();
	IS_STR(member(recording(), "removed_at"), STR("none"),
	       "what never was here was not removed");
}

static void test_hold(void)
{
	begin_stored(RECORDING_STORED);
	row.recording.is_held = true;
	row.recording.hold_since_ms = AT(70);
	tell();
	IS_STR(member(recording(), "held"), STR("true"), "held");
	IS_STR(member(recording(), "hold"),
	       STR("{\"by\":null,\"since\":\"2023-11-14T22:14:30.000Z\",\"reason\":null}"),
	       "by nobody by name, for no reason");
	IS_STR(member(recording(), "expires_at"), STR("null"), "it does not expire");
	str_fit(STR("dana"), row.recording.hold_by, sizeof(row.recording.hold_by));
	str_fit(STR("a case"), row.recording.hold_reason, sizeof(row.recording.hold_reason));
	tell();
	IS_STR(member(recording(), "hold"),
	       STR("{\"by\":\"dana\",\"since\":\"2023-11-14T22:14:30.000Z\","
		   "\"reason\":\"a case\"}"),
	       "by whom, and why");
}

static void test_expiry(void)
{
	static const struct told old[] = {
		{ "expires_at", "\"2023-11-24T22:13:20.000Z\"" },
		{ "expired", "true" },
		{ "removal_at", "\"2023-11-25T22:13:20.000Z\"" },
		{ 0 },
	};
	static const struct told purged[] = {
		{ "expires_at", "\"2023-11-24T22:13:20.000Z\"" },
		{ "expired", "true" },
		{ "removal_at", "null" },
		{ 0 },
	};
	const struct retention_options options = { .general_ms = 10 * DAY_MS, .grace_ms = DAY_MS };
	const struct retention *forever = web.retention;
	struct retention_rules rules;
	struct retention *kept;
	struct err err;

	MUST(retention_rules_make(&options, &rules, &err));
	web.retention = kept = retention_new(&rules);
	begin(RECORDING_STORED);
	row.recording.started_at_ms = AT(0);
	tell();
	check("older than it is kept", recording(), old);
	row.recording.state = RECORDING_PURGED;
	tell();
	check("removed", recording(), purged);
	row.recording.state = RECORDING_STORED;
	row.recording.started_at_ms = clock_wall_ms() - 9 * DAY_MS;
	tell();
	IS_STR(member(recording(), "expired"), STR("false"), "it is kept for another day");
	OK(member(recording(), "expires_at").len > 4 && member(recording(), "removal_at").len > 4,
	   "until an instant that is told");
	web.retention = forever;
	retention_free(kept);
}

static void test_arriving(void)
{
	struct arriving arriving = { .bytes = 100, .total = ARRIVING_TOTAL_UNKNOWN };

	web.arriving = arriving_table_new();
	memcpy(arriving.recording_sid, RECORDING, SID_SIZE);
	arriving_set(web.arriving, &arriving);
	begin(RECORDING_QUEUED);
	tell();
	IS_STR(member(recording(), "arriving"), STR("{\"bytes\":100,\"total\":null}"),
	       "how far it is, of nobody knows how much");
	arriving.total = 0;
	arriving_set(web.arriving, &arriving);
	tell();
	IS_STR(member(recording(), "arriving"), STR("{\"bytes\":100,\"total\":0}"), "of how much");
	row.recording.recording_sid[10] = '1';
	tell();
	IS_STR(member(recording(), "arriving"), STR("null"), "another one is not");
	arriving_table_free(TAKE(web.arriving));
}

int main(void)
{
	struct retention_rules rules = retention_rules_of(RETENTION_FOREVER);
	struct retention *forever = retention_new(&rules);

	web.retention = forever;
	test_states();
	test_call();
	test_recording();
	test_hold();
	test_expiry();
	test_arriving();
	retention_free(forever);
	json_decref(said);
	return tap_end();
}
