/*
 * A borrowed slice of text: it owns nothing, need not end in NUL, and may be
 * empty.  `at == NULL` means absent where a function says so; len is then 0.
 *
 * All parsing works on slices of the buffer that was read; nothing is copied to
 * look at it.  Every function here is pure.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *at;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).at ? (s).at : ""

static inline struct str str_of(const char *text) /* NULL gives STR_NONE */
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* s without its first n bytes / only its first n bytes; n is clamped. */
static inline struct str str_after(struct str s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct str){ s.at ? s.at + n : NULL, s.len - n };
}

static inline struct str str_first(struct str s, size_t n)
{
	return (struct str){ s.at, n < s.len ? n : s.len };
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_first(s, prefix.len), prefix);
}

/* The offset of the first `byte`, or s.len when there is none. */
static inline size_t str_find(struct str s, char byte)
{
	const char *found = s.len > 0 ? (const char *)memchr(s.at, byte, s.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

/* Without spaces and tabs at both ends (OWS of RFC 9110, 5.6.3). */
static inline struct str str_trim(struct str s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* ASCII letters compare without case; locale never counts. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* memcmp order, a prefix before what it begins. */
int str_compare(struct str a, struct str b);
/* The offset of the first `part`, or s.len when there is none. */
size_t str_find_str(struct str s, struct str part);
/*
 * Takes what stands before the next `separator` (or the rest) off *rest.  Returns
 * false when *rest was already used up (at == NULL after the last piece), so that
 * "a,,b" gives three pieces and "" gives one empty piece.
 */
bool str_cut(struct str *rest, char separator, struct str *out_piece);

/* Decimal digits only, all of s, no sign, no space; false on empty, overflow or anything else. */
bool str_to_u64(struct str s, uint64_t *out) MUST_CHECK;
bool str_to_i64(struct str s, int64_t *out) MUST_CHECK; /* as above, one leading '-' allowed */
/* Hexadecimal digits only, no 0x. */
bool str_hex_to_u64(struct str s, uint64_t *out) MUST_CHECK;
/*
 * "250ms", "30s", "15m", "12h", "7d", "forever": to milliseconds.  Forever is INT64_MAX, and so is what is longer than
 * 1,000 years: then all others can be added to an instant, and the sum be written as a date.
 */
bool str_to_duration_ms(struct str s, int64_t *out_ms) MUST_CHECK;

/* Copies into a fixed array, NUL-terminated; false (and nothing copied) when it does not fit. */
bool str_copy(struct str s, char *to, size_t size) MUST_CHECK;
/* Copies as much as fits, NUL-terminated: for texts that people read. */
void str_fit(struct str s, char *to, size_t size);
/* A heap copy, NUL-terminated; free() it. */
char *str_dup(struct str s);

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}
static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* The value of a hexadecimal digit, or -1. */
static inline int ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
