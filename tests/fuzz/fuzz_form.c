/* What was decoded and is encoded again decodes to the same. */
#include <assert.h>
#include <stdint.h>

#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void add_field(struct buf *text, const struct form_field *field)
{
	form_encode(text, field->name);
	buf_add_byte(text, '=');
	form_encode(text, field->value);
	buf_add_byte(text, '&');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct form form, again;
	struct buf room, room_again, text;

	buf_init(&room, 1000000);
	buf_init(&room_again, 1000000);
	buf_init(&text, 10000000);
	if (form_parse((struct str){ (const char *)bytes, len }, &room, &form)) {
		for (size_t i = 0; i < form.count; i++)
			add_field(&text, &form.fields[i]);
		assert(buf_ok(&text));
		assert(form_parse(buf_str(&text), &room_again, &again) &&
		       again.count == form.count);
		for (size_t i = 0; i < form.count; i++)
			assert(str_eq(form.fields[i].name, again.fields[i].name) &&
			       str_eq(form.fields[i].value, again.fields[i].value));
	}
	buf_release(&room);
	buf_release(&room_again);
	buf_release(&text);
	return 0;
}
