/*
 * A text or byte builder: born with a maximum, always NUL-terminated, and with a
 * sticky overflow flag, so that one appends freely and checks once with buf_ok().
 * Once it overflowed, further appends do nothing.
 *
 * Heap (buf_init .. buf_release) grows up to max; over a fixed array (buf_over) it
 * never allocates and buf_release does nothing.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *at;    /* NUL-terminated; "" before the first append */
	size_t len;  /* without the NUL */
	size_t size; /* bytes there are, the NUL's included; 0 before the first append */
	size_t max;  /* len never exceeds it */
	bool overflowed;
	bool fixed; /* over an array of the caller's */
};

void buf_init(struct buf *buf, size_t max);
void buf_over(struct buf *buf, char *array, size_t size); /* max = size - 1 */
void buf_release(struct buf *buf);
static inline void buf_release_at(struct buf *buf)
{
	buf_release(buf);
}

void buf_clear(struct buf *buf); /* empty, not overflowed; keeps its memory */
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_byte(struct buf *buf, char byte);
void buf_add_u64(struct buf *buf, uint64_t n);
/* The decimal digits of n, without a NUL; returns how many. */
#define U64_DIGITS 20
size_t u64_write(uint64_t n, char to[U64_DIGITS]);
void buf_addf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_addv(struct buf *buf, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Makes room for n more bytes and returns where they go (then buf_added); NULL past max. */
char *buf_room(struct buf *buf, size_t n);
void buf_added(struct buf *buf, size_t n);
/* Drops the first n bytes. */
void buf_drop(struct buf *buf, size_t n);

static inline bool buf_ok(const struct buf *buf)
{
	return !buf->overflowed;
}
static inline struct str buf_str(const struct buf *buf)
{
	return (struct str){ buf->at, buf->len };
}
/* The text, to be freed with free(); the buf is empty again.  Not for a fixed one. */
char *buf_take(struct buf *buf);
