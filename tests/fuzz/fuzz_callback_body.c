/* A callback as JSON, of any bytes: each name and value lies in the one block that they are copied to. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(callback_body_release) struct callback_body body = { .param_count = 0 };
	AUTO(free) struct exchange *x = xcalloc(1, sizeof(*x));
	struct err err = { .text = "" };

	x->request.method = HTTP_POST;
	x->request.known[HTTP_CONTENT_TYPE] = STR("application/json");
	x->request.body = (struct str){ (const char *)data, size };
	if (callback_body_read(x, &body, &err)) {
		assert(body.kind == SIGNED_RAW);
		assert(body.raw.at == x->request.body.at && body.raw.len == size);
		for (size_t i = 0; i < body.param_count; i++)
			assert(is_within(body.params[i].name, &body, size) &&
			       is_within(body.params[i].value, &body, size));
	} else {
		assert(err.kind == ERR_INVALID && strlen(err.text) > 0);
	}
	return 0;
}
