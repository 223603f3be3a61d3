#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return false;
}

bool err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	err->kind = saved == EMFILE || saved == ENFILE ? ERR_SCARCE : ERR_INTERNAL;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);

	size_t len = strlen(err->text);
	char reason[128];

	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(saved, reason, sizeof(reason)));
	return false;
}

bool err_context(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	/* What does not fit any more is the end of what came before. */
	size_t len = strlen(text);
	int room = (int)(sizeof(text) - 1 - len);

	snprintf(text + len, sizeof(text) - len, "%.*s%.*s", room < 2 ? room : 2, ": ",
		 room < 2 ? 0 : room - 2, err->text);
	memcpy(err->text, text, sizeof(text));
	return false;
}
