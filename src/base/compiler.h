/*
 * What we ask of the compiler beyond C17, behind names that say what for.
 */
#pragma once

#include <stddef.h>

#define MUST_CHECK               __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN                 __attribute__((noreturn))
#define LIKELY(condition)        __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition)      __builtin_expect(!!(condition), 0)

#define BIT(n)           (1u << (n))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object that embeds `member` at `pointer`; the pointer's type is checked against the member's. */
#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(1 ? (pointer) : &((type *)0)->member) - offsetof(type, member)))
