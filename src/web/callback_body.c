#include "web/callback_body.h"

#include "base/mem.h"
#include "http/form.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE 24 /* of a 64-bit number in decimal digits, with its sign and a NUL */

static bool malformed_form(struct err *err)
{
	return err_set(err, ERR_INVALID, "the parameters are not well-formed form fields");
}

static bool read_form(struct str text, struct callback_body *out, struct err *err)
{
	AUTO(form_fields_release) struct form_fields form = { .count = 0 };

	if (!form_read(text, &form))
		return malformed_form(err);
	out->params = xcalloc(form.count + 1, sizeof(*out->params));
	for (size_t i = 0; i < form.count; i++)
		out->params[i] = (struct twilio_param){ form.at[i].name, form.at[i].value };
	out->param_count = form.count;
	out->texts = TAKE(form.texts);
	return true;
}

static struct str keep(char **at, const char *bytes, size_t len)
{
	struct str kept = { *at, len };

	memcpy(*at, bytes, len);
	*at += len;
	return kept;
}

/* One member as a parameter; members that are neither text nor number say nothing to us. */
static void read_member(const char *name, const json_t *value, struct callback_body *out, char **at)
{
	struct twilio_param *param = &out->params[out->param_count];
	char number[NUMBER_SIZE];
	int len;

	if (json_is_string(value)) {
		param->value = keep(at, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		len = snprintf(number, sizeof(number), "%lld",
			       (long long)json_integer_value(value));
		param->value = keep(at, number, (size_t)len);
	} else {
		return;
	}
	param->name = keep(at, name, strlen(name));
	out->param_count++;
}

/* What is decoded is never longer than its JSON. */
static bool read_json(struct str text, struct callback_body *out, struct err *err)
{
	json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
	bool is_object = json_is_object(root);
	const char *name;
	json_t *value;
	char *at;

	out->params = xcalloc(json_object_size(root) + 1, sizeof(*out->params));
	at = out->texts = xmalloc(text.len + 1);
	json_object_foreach(root, name, value) read_member(name, value, out, &at);
	json_decref(root);
	return is_object || err_set(err, ERR_INVALID, "the body is not a JSON object");
}

static bool read_body(const struct http_request *request, struct callback_body *out,
		      struct err *err)
{
	if (request->method == HTTP_GET) {
		out->kind = SIGNED_NOTHING;
		out->raw = request->query;
		return read_form(request->query, out, err);
	}
	out->raw = request->body;
	if (str_starts_nocase(request->known[HTTP_CONTENT_TYPE], STR("application/json"))) {
		out->kind = SIGNED_RAW;
		return read_json(request->body, out, err);
	}
	out->kind = SIGNED_FORM;
	return read_form(request->body, out, err);
}

bool callback_body_read(const struct exchange *x, struct callback_body *out, struct err *err)
{
	struct callback_body body = { .param_count = 0 };

	if (!read_body(&x->request, &body, err)) {
		callback_body_release(&body);
		return false;
	}
	*out = body;
	return true;
}

void callback_body_release(struct callback_body *body)
{
	free(body->params);
	free(body->texts);
	*body = (struct callback_body){ .param_count = 0 };
}
