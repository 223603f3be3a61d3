#include "manual/template.h"

static const struct template_slot *find(const struct template_slot *slots, struct str name)
{
	for (; slots->name; slots++)
		if (str_eq(name, str_of(slots->name)))
			return slots;
	return NULL;
}

void template_write(const char *text, const struct template_slot *slots,
		    const struct manual *manual, struct buf *out)
{
	struct str rest = str_of(text);

	while (rest.len > 0) {
		size_t before = str_find(rest, '@');
		struct str behind = str_after(rest, before + 1);
		struct str name = str_first(behind, str_find(behind, '@'));
		const struct template_slot *slot = name.len < behind.len ? find(slots, name) : NULL;

		buf_add_str(out, str_first(rest, before));
		if (slot) {
			slot->fill(manual, out);
			rest = str_after(behind, name.len + 1);
		} else {
			if (before < rest.len)
				buf_add_byte(out, '@');
			rest = behind;
		}
	}
}
