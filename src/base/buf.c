#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

/* What an empty buf that owns nothing yet points at; never written to. */
static char nothing[1];

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .at = nothing, .max = max };
}

void buf_over(struct buf *buf, char *array, size_t size)
{
	*buf = (struct buf){ .at = array, .size = size, .max = size - 1, .fixed = true };
	array[0] = '\0';
}

void buf_release(struct buf *buf)
{
	if (buf->size > 0 && !buf->fixed)
		free(buf->at);
	*buf = (struct buf){ .at = nothing, .max = buf->max };
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->overflowed = false;
	if (buf->size > 0)
		buf->at[0] = '\0';
}

char *buf_room(struct buf *buf, size_t n)
{
	if (buf->overflowed || n > buf->max - buf->len) {
		buf->overflowed = true;
		return NULL;
	}
	if (buf->len + n + 1 > buf->size) {
		size_t size = buf->size ? buf->size : FIRST_SIZE;

		assert(!buf->fixed);
		while (size < buf->len + n + 1)
			size *= 2;
		if (size > buf->max + 1)
			size = buf->max + 1;
		buf->at = xrealloc(buf->size ? buf->at : NULL, size);
		buf->size = size;
	}
	return buf->at + buf->len;
}

void buf_added(struct buf *buf, size_t n)
{
	assert(buf->len + n < buf->size);
	buf->len += n;
	buf->at[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *to = buf_room(buf, len);

	if (!to)
		return;
	if (len > 0)
		memcpy(to, bytes, len);
	buf_added(buf, len);
}

void buf_add_str(struct buf *buf, struct str s)
{
	buf_add(buf, s.at, s.len);
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_byte(struct buf *buf, char byte)
{
	buf_add(buf, &byte, 1);
}

size_t u64_write(uint64_t n, char to[U64_DIGITS])
{
	char digits[U64_DIGITS];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

void buf_add_u64(struct buf *buf, uint64_t n)
{
	char digits[U64_DIGITS];

	buf_add(buf, digits, u64_write(n, digits));
}

void buf_addv(struct buf *buf, const char *fmt, va_list args)
{
	va_list measured;

	va_copy(measured, args);
	int len = vsnprintf(NULL, 0, fmt, measured);
	va_end(measured);

	char *to = len < 0 ? NULL : buf_room(buf, (size_t)len);

	if (!to) {
		buf->overflowed = true;
		return;
	}
	vsnprintf(to, (size_t)len + 1, fmt, args);
	buf_added(buf, (size_t)len);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_addv(buf, fmt, args);
	va_end(args);
}

void buf_drop(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	if (n == 0)
		return;
	memmove(buf->at, buf->at + n, buf->len - n + 1);
	buf->len -= n;
}

char *buf_take(struct buf *buf)
{
	assert(!buf->fixed);
	char *text = buf->size > 0 ? buf->at : xmemdup0("", 0);

	*buf = (struct buf){ .at = nothing, .max = buf->max };
	return text;
}
