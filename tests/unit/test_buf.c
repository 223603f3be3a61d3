#include "base/buf.h"
#include "tap.h"

#include <stdlib.h>

int main(void)
{
	struct buf buf;
	char array[8];

	buf_init(&buf, 10);
	IS_STR(buf_str(&buf), STR(""), "a new one is empty, and a text");
	buf_add_text(&buf, "12345");
	buf_add_u64(&buf, 67890);
	OK(buf_ok(&buf), "exactly its maximum fits");
	IS_STR(buf_str(&buf), STR("1234567890"), "all of it is there");
	buf_add_byte(&buf, 'x');
	OK(!buf_ok(&buf), "a byte more overflows");
	buf_clear(&buf);
	buf_addf(&buf, "%s-%d", "ab", 7);
	IS_STR(buf_str(&buf), STR("ab-7"), "it can be used again");
	buf_drop(&buf, 2);
	IS_STR(buf_str(&buf), STR("-7"), "the first bytes are dropped");
	buf_addf(&buf, "%s", "too long for this");
	OK(!buf_ok(&buf), "formatting overflows too");
	buf_add_text(&buf, "a");
	IS_STR(buf_str(&buf), STR("-7"), "after an overflow nothing is added");
	buf_release(&buf);

	buf_over(&buf, array, sizeof(array));
	buf_add_text(&buf, "1234567");
	OK(buf_ok(&buf) && array[7] == '\0', "a fixed array holds its size less the NUL");
	buf_add_byte(&buf, '8');
	OK(!buf_ok(&buf), "and no more");
	buf_release(&buf);
	OK(buf.size == 0 && buf_ok(&buf), "it is let go, and stays its owner's");

	buf_init(&buf, 100);
	char *empty = buf_take(&buf);

	IS_STR(str_of(empty), STR(""), "what is taken from an empty one is an empty text");
	free(empty);
	return tap_end();
}
