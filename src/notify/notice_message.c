#include "notify/notice_message.h"

#include "base/json.h"

#include <stdio.h>

const char *notice_type_text(enum notice_type type)
{
	switch (type) {
	case NOTICE_STORED:
		return "recording.stored";
	case NOTICE_FAILED:
		return "recording.failed";
	case NOTICE_EXPIRED:
		return "recording.expired";
	case NOTICE_PURGED:
		return "recording.purged";
	case NOTICE_DELETED:
		return "recording.deleted";
	case NOTICE_LOOK:
		break;
	}
	return NULL;
}

void notice_id(const struct notice *notice, char out[NOTICE_ID_SIZE])
{
	snprintf(out, NOTICE_ID_SIZE, "msg_%s_%lld", notice->recording_sid, (long long)notice->seq);
}

bool notice_id_read(struct str id, int64_t *out_seq)
{
	const struct str prefix = STR("msg_RE");
	struct str number = str_after(id, prefix.len + 33); /* 32 digits and _ */

	return str_starts(id, prefix) && number.len > 0 && number.at[-1] == '_' &&
	       str_to_i64(number, out_seq) && *out_seq > 0;
}

/* "" is null. */
static void add_text(struct json *json, const char *key, const char *text)
{
	json_text(json, key, text[0] ? str_of(text) : STR_NONE);
}

static void add_url(struct json *json, const char *key, const char *public_url, const char *fmt,
		    const char *sid)
{
	char text[1200], path[80];
	struct buf url;

	buf_over(&url, text, sizeof(text));
	snprintf(path, sizeof(path), "/api/%s/%s", fmt, sid);
	buf_add_text(&url, public_url ? public_url : "");
	buf_add_text(&url, path);
	if (str_eq(str_of(fmt), STR("recordings")))
		buf_add_text(&url, "/media");
	json_text(json, key, sid[0] && buf_ok(&url) ? buf_str(&url) : STR_NONE);
}

static void add_media(struct json *json, const struct notice *notice)
{
	add_text(json, "format", notice->format);
	json_int(json, "size", (int64_t)notice->size);
	json_seconds(json, "duration", notice->duration_ms > 0 ? notice->duration_ms : 0);
	json_int(json, "channels", notice->channels);
	add_text(json, "sha256", notice->sha256);
	json_int(json, "generation", notice->generation);
}

static void add_reason(struct json *json, const struct notice *notice)
{
	json_open(json, "reason", '{');
	json_text(json, "code", str_of(notice->reason_code));
	json_text(json, "text", str_of(notice->reason_text));
	json_close(json, '}');
}

void notice_body(const struct notice *notice, const char *public_url, struct buf *out)
{
	static const char *const directions[] = { "", "inbound", "outbound" };
	bool is_failed = notice->type == NOTICE_FAILED;
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_text(&json, "type", str_of(notice_type_text(notice->type)));
	json_date(&json, "timestamp", notice->at_ms);
	json_open(&json, "data", '{');
	json_text(&json, "recording_sid", str_of(notice->recording_sid));
	add_text(&json, "call_sid", notice->call_sid);
	add_text(&json, "account_sid", notice->account_sid);
	add_text(&json, "direction", directions[notice->direction]);
	json_date(&json, "started_at", notice->started_at_ms);
	if (notice->type == NOTICE_STORED)
		add_url(&json, "media_url", public_url, "recordings", notice->recording_sid);
	add_url(&json, "call_url", public_url, "calls", notice->call_sid);
	if (!is_failed && notice->generation != 0)
		add_media(&json, notice);
	if (is_failed)
		add_reason(&json, notice);
	json_close(&json, '}');
	json_close(&json, '}');
}
