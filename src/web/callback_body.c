#include "web/callback_body.h"

#include "base/mem.h"
#include "base/own.h"

#include <jansson.h>
#include <stdlib.h>

static bool read_form(struct str text, struct callback_body *out, struct buf *room, struct err *err)
{
	AUTO(free) struct form *form = xcalloc(1, sizeof(*form));

	if (!form_parse(text, room, form))
		return err_set(err, ERR_INVALID, "the parameters are not well-formed form fields");
	for (size_t i = 0; i < form->count; i++)
		out->params[i] =
			(struct twilio_param){ form->fields[i].name, form->fields[i].value };
	out->param_count = form->count;
	return true;
}

static struct str keep(struct buf *room, const char *bytes, size_t len)
{
	char *to = buf_room(room, len);

	if (!to)
		return STR_NONE;
	buf_add(room, bytes, len);
	return (struct str){ to, len };
}

/* One member as a parameter; members that are neither text nor number say nothing to us. */
static bool read_member(const char *name, const json_t *value, struct callback_body *out,
			struct buf *room)
{
	struct twilio_param *param = &out->params[out->param_count];
	char number[32];
	size_t len;

	if (json_is_string(value)) {
		param->value = keep(room, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		len = (size_t)snprintf(number, sizeof(number), "%lld",
				       (long long)json_integer_value(value));
		param->value = keep(room, number, len);
	} else {
		return true;
	}
	if (out->param_count == FORM_FIELDS_MAX - 1)
		return false;
	param->name = keep(room, name, strlen(name));
	out->param_count++;
	return buf_ok(room);
}

static bool read_json(struct str text, struct callback_body *out, struct buf *room, struct err *err)
{
	json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
	const char *name;
	json_t *value;
	bool good = json_is_object(root);

	json_object_foreach(root, name, value) good = good && read_member(name, value, out, room);
	json_decref(root);
	if (!good)
		return err_set(err, ERR_INVALID,
			       "the body is not a JSON object of at most %d members",
			       FORM_FIELDS_MAX);
	return true;
}

bool callback_body_read(const struct exchange *x, struct callback_body *out, struct buf *room,
			struct err *err)
{
	const struct http_request *request = &x->request;
	struct str type = request->known[HTTP_CONTENT_TYPE];

	/* Slices into the room must not move: all of it is taken at once. */
	if (!buf_room(room, CALLBACK_ROOM_MAX))
		return err_set(err, ERR_INVALID, "the body is too large");
	out->param_count = 0;
	if (request->method == HTTP_GET) {
		out->kind = SIGNED_NOTHING;
		out->raw = request->query;
		return read_form(request->query, out, room, err);
	}
	out->raw = request->body;
	if (str_starts_nocase(type, STR("application/json"))) {
		out->kind = SIGNED_RAW;
		return read_json(request->body, out, room, err);
	}
	out->kind = SIGNED_FORM;
	return read_form(request->body, out, room, err);
}
