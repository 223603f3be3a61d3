/*
 * Functions that we do not use, and what to use instead.  Force-included into every
 * source of ours; it includes the headers that declare them first.  Declaring them once
 * more with the error attribute makes a call a compile error that names the replacement,
 * and leaves the headers of libraries alone, where poisoning the names would not.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __clang__ /* it takes `error` on a first declaration alone; with -Werror this serves as well */
#define BANNED(instead) __attribute__((deprecated("banned: use " instead)))
#pragma clang diagnostic push
#pragma clang diagnostic ignored \
	"-Wignored-attributes" /* when optimising, glibc defines atoi() inline */
#else
#define BANNED(instead) __attribute__((error("banned: use " instead)))
#endif

BANNED("str_copy() or struct buf") char *strcpy(char *to, const char *from);
BANNED("str_copy() or struct buf") char *strncpy(char *to, const char *from, size_t size);
BANNED("struct buf") char *strcat(char *to, const char *from);
BANNED("struct buf") char *strncat(char *to, const char *from, size_t size);
BANNED("struct buf or snprintf()") int sprintf(char *to, const char *fmt, ...);
BANNED("struct buf or vsnprintf()") int vsprintf(char *to, const char *fmt, va_list args);
BANNED("str_cut()") char *strtok(char *text, const char *separators);
BANNED("str_to_i64()") int atoi(const char *text);
BANNED("str_to_i64()") long atol(const char *text);
BANNED("str_to_i64()") long strtol(const char *text, char **end, int base);
BANNED("str_to_u64()") unsigned long strtoul(const char *text, char **end, int base);
BANNED("str_to_i64()") long long strtoll(const char *text, char **end, int base);
BANNED("str_to_u64()") unsigned long long strtoull(const char *text, char **end, int base);
BANNED("base/clock.h") struct tm *gmtime(const time_t *at);
BANNED("base/clock.h") struct tm *localtime(const time_t *at);
BANNED("base/clock.h") char *ctime(const time_t *at);
BANNED("base/clock.h") char *asctime(const struct tm *at);
BANNED("random_bytes()") int rand(void);

#ifdef __clang__
#pragma clang diagnostic pop
#endif
#undef BANNED
#undef alloca
#pragma GCC poison alloca /* a named maximum, or the heap */
