/*
 * A callback of any bytes, read as JSON, as a form and as the query of a GET: each name and value lies in the one block
 * that they are copied to.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "web/callback_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str text, const struct callback_body *body, size_t size)
{
	return text.at >= body->texts && text.at + text.len <= body->texts + size;
}

static void read_as(const struct exchange *x, enum signed_body kind, struct str text)
{
	AUTO(callback_body_release) struct callback_body body = { .param_count = 0 };
	struct err err = { .text = "" };

	if (!callback_body_read(x, &body, &err)) {
		assert(err.kind == ERR_INVALID && strlen(err.text) > 0);
		return;
	}
	assert(body.kind == kind);
	assert(body.raw.at == text.at && body.raw.len == text.len);
	for (size_t i = 0; i < body.param_count; i++)
		assert(is_within(body.params[i].name, &body, text.len) &&
		       is_within(body.params[i].value, &body, text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) struct exchange *x = xcalloc(1, sizeof(*x));
	struct str text = { (const char *)data, size };

	x->request.method = HTTP_POST;
	x->request.body = text;
	x->request.known[HTTP_CONTENT_TYPE] = STR("application/json");
	read_as(x, SIGNED_RAW, text);
	x->request.known[HTTP_CONTENT_TYPE] = STR("application/x-www-form-urlencoded");
	read_as(x, SIGNED_FORM, text);
	*x = (struct exchange){ .request = { .method = HTTP_GET, .query = text } };
	read_as(x, SIGNED_NOTHING, text);
	return 0;
}
