#include "notify/notice_message.h"

#include "tap.h"

#include <jansson.h>
#include <string.h>

#define RE "RE0123456789abcdef0123456789abcdef"
#define CA "CA0123456789abcdef0123456789abcdef"

static struct notice stored = {
	.seq = 4711,
	.type = NOTICE_STORED,
	.at_ms = 1764388800000,
	.generation = 17,
	.size = 160461,
	.duration_ms = 167136,
	.channels = 2,
	.format = "mp3",
	.recording_sid = RE,
	.call_sid = CA,
	.started_at_ms = 1764388632000,
	.direction = CALL_OUTBOUND,
};

static json_t *body_of(const struct notice *notice, const char *public_url)
{
	char text[NOTICE_BODY_MAX];
	struct buf body;

	buf_over(&body, text, sizeof(text));
	notice_body(notice, public_url, &body);
	return buf_ok(&body) ? json_loadb(body.at, body.len, 0, NULL) : NULL;
}

static const struct {
	const char *text;
	int64_t seq; /* 0: none */
} ids[] = {
	{ "msg_" RE "_4711", 4711 },
	{ "msg_" RE "_9223372036854775807", INT64_MAX },
	{ "msg_" RE "_0", 0 },
	{ "msg_" RE "_-3", 0 },
	{ "msg_" RE "_", 0 },
	{ "msg_" RE, 0 },
	{ "msg_" RE "x17", 0 },
	{ "msg_RE_17", 0 },
	{ "", 0 },
	{ "17", 0 },
};

int main(void)
{
	char id[NOTICE_ID_SIZE];
	struct notice failed = stored;
	json_t *body, *data;
	int64_t seq;

	notice_id(&stored, id);
	IS_STR(str_of(id), STR("msg_" RE "_4711"), "its id");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		bool good = notice_id_read(str_of(ids[i].text), &seq);

		OK(good == (ids[i].seq > 0) && (!good || seq == ids[i].seq), "'%s'", ids[i].text);
	}

	body = body_of(&stored, "https://calls.example.com");
	data = json_object_get(body, "data");
	IS_STR(str_of(json_string_value(json_object_get(body, "type"))), STR("recording.stored"),
	       "the type");
	IS_STR(str_of(json_string_value(json_object_get(data, "media_url"))),
	       STR("https://calls.example.com/api/recordings/" RE "/media"), "where it plays");
	OK(json_is_null(json_object_get(data, "sha256")) &&
		   json_is_null(json_object_get(data, "account_sid")),
	   "what is not known is null");
	json_decref(body);

	failed.type = NOTICE_FAILED;
	str_fit(STR("recording_absent"), failed.reason_code, sizeof(failed.reason_code));
	str_fit(STR("\"too short\" \x01"), failed.reason_text, sizeof(failed.reason_text));
	body = body_of(&failed, NULL);
	data = json_object_get(body, "data");
	OK(!json_object_get(data, "size") && !json_object_get(data, "media_url") &&
		   json_is_object(json_object_get(data, "reason")),
	   "what failed has a reason and no media");
	IS_STR(str_of(json_string_value(json_object_get(data, "call_url"))), STR("/api/calls/" CA),
	       "without public_url an address is a path");
	json_decref(body);
	OK(!notice_type_text(NOTICE_LOOK), "a look is told to nobody");
	return tap_end();
}
