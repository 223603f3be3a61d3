#include "live/recording_json.h"

static struct str text_of(const char *text)
{
	return text[0] ? str_of(text) : STR_NONE;
}

void recording_json_hold(struct json *json, const struct recording *recording)
{
	if (!recording->is_held) {
		json_nothing(json, "hold");
		return;
	}
	json_open(json, "hold", '{');
	json_text(json, "by", text_of(recording->hold_by));
	json_date(json, "since", recording->hold_since_ms);
	json_text(json, "reason", text_of(recording->hold_reason));
	json_close(json, '}');
}
