#include "manual/quote.h"

#include <string.h>

void quote_posix(struct buf *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_text(out, "'\\'");
		else if (strchr(special, *text))
			buf_add_byte(out, '\\');
		buf_add_byte(out, *text);
	}
}

void quote_fish(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, *text);
	}
}
