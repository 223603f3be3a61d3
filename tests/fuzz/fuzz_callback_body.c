/* A callback as JSON, of any bytes: each name and value lies in the room that was given for them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/own.h"
#include "web/callback_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str text, const struct buf *room)
{
	return text.len == 0 || (text.at >= room->at && text.at + text.len <= room->at + room->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(free) struct callback_body *body = xcalloc(1, sizeof(*body));
	AUTO(free) struct exchange *x = xcalloc(1, sizeof(*x));
	struct err err = { .text = "" };
	struct buf room;

	x->request.method = HTTP_POST;
	x->request.known[HTTP_CONTENT_TYPE] = STR("application/json");
	x->request.body = (struct str){ (const char *)data, size };
	buf_init(&room, CALLBACK_ROOM_MAX + 1);
	if (callback_body_read(x, body, &room, &err)) {
		assert(body->kind == SIGNED_RAW);
		assert(body->raw.at == x->request.body.at && body->raw.len == size);
		for (size_t i = 0; i < body->param_count; i++)
			assert(is_within(body->params[i].name, &room) &&
			       is_within(body->params[i].value, &room));
	} else {
		assert(err.kind == ERR_INVALID && strlen(err.text) > 0);
	}
	buf_release(&room);
	return 0;
}
