#include "api/web_json.h"

#include "api/forwarded.h"
#include "api/web_read.h"
#include "base/log.h"

#include <sodium.h>

json_t *web_json_body(struct exchange *x)
{
	struct str body = x->request.body;
	json_error_t error;
	json_t *object;

	if (body.len == 0)
		return json_object();
	object = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(object))
		return object;
	json_decref(object);
	web_refuse(x, WEB_BAD_REQUEST, "The body is not a JSON object.", WEB_NO_RETRY);
	return NULL;
}

static bool is_of_type(const json_t *value, enum web_json_type type)
{
	switch (type) {
	case WEB_JSON_TEXT:
		return json_is_string(value);
	case WEB_JSON_BOOL:
		return json_is_boolean(value);
	case WEB_JSON_COUNT:
		return json_is_integer(value) && json_integer_value(value) > 0;
	}
	return false;
}

static void refuse_member(struct exchange *x, const struct web_json_member *member)
{
	static const char *const types[] = { [WEB_JSON_TEXT] = "a text",
					     [WEB_JSON_BOOL] = "true or false",
					     [WEB_JSON_COUNT] = "a whole number, 1 or more" };
	char text[128];

	snprintf(text, sizeof(text), "%s is %s.", member->key, types[member->type]);
	web_refuse(x, WEB_BAD_REQUEST, text, WEB_NO_RETRY);
}

json_t *web_json_body_of(struct exchange *x, const struct web_json_member *members)
{
	json_t *body = web_json_body(x);

	for (; body && members->key; members++) {
		const json_t *value = json_object_get(body, members->key);

		if (!value || json_is_null(value) || is_of_type(value, members->type))
			continue;
		refuse_member(x, members);
		json_decref(body);
		return NULL;
	}
	return body;
}

/* The text is in memory that http reads into, and is const only for routes. */
static void wipe(struct str text)
{
	union {
		const char *read;
		char *write;
	} at = { .read = text.at };

	if (text.len > 0)
		sodium_memzero(at.write, text.len);
}

void web_json_wipe_body(struct exchange *x)
{
	wipe(x->request.body);
}

struct str web_json_text(json_t *object, const char *key)
{
	json_t *text = json_object_get(object, key);

	if (!json_is_string(text))
		return STR_NONE;
	return (struct str){ json_string_value(text), json_string_length(text) };
}

void web_json_wipe(json_t *object, const char *key)
{
	wipe(web_json_text(object, key));
}

bool web_json_duration(struct exchange *x, json_t *object, const char *key, int64_t *out_ms)
{
	struct str text = web_json_text(object, key);

	*out_ms = 0;
	if (!json_object_get(object, key))
		return true;
	if (text.at && str_to_duration_ms(text, out_ms) && *out_ms > 0)
		return true;
	web_refuse(x, WEB_BAD_REQUEST, "A duration is written as 30m, 12h or 7d.", WEB_NO_RETRY);
	return false;
}

void web_refuse_change(struct exchange *x, const struct err *err, enum web_error not_found,
		       enum web_error conflict)
{
	struct log_tag tag = web_request_tag(x);
	char path[WEB_LOGGED_PATH_SIZE];

	switch (err->kind) {
	case ERR_NOT_FOUND:
		web_refuse(x, not_found, NULL, WEB_NO_RETRY);
		return;
	case ERR_CONFLICT:
		web_refuse(x, conflict, err->text, WEB_NO_RETRY);
		return;
	case ERR_INVALID:
		web_refuse(x, WEB_BAD_REQUEST, err->text, WEB_NO_RETRY);
		return;
	case ERR_UNAVAILABLE:
	case ERR_SCARCE:
		web_refuse(x, WEB_OVERLOADED, NULL, WEB_NO_RETRY);
		return;
	case ERR_INTERNAL:
		break;
	}
	log_error(&tag, "cannot change what %s asks: %s", web_logged_path(x, path), err->text);
	web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
}

void web_reply_done(struct exchange *x)
{
	web_send_json(x, STR("{\"success\":true}\n"));
}

bool web_may_make_address(struct exchange *x)
{
	char text[512];
	struct buf origin;

	buf_over(&origin, text, sizeof(text));
	if (forwarded_add_link_origin(x, &origin))
		return true;
	web_refuse(x, WEB_NOT_CONFIGURED,
		   "public_url is not set, so that nothing says what address a link begins with.",
		   WEB_NO_RETRY);
	return false;
}
