/*
 * The Test Anything Protocol in eighty lines: each check prints "ok N - name" or
 * "not ok N - name" with where and what; tap_end() prints the plan.  A program that ends in
 * any other way, main() returning early included, has failed.
 *
 *	OK(str_eq(a, b), "equal texts are equal");
 *	IS_INT(range.first, 4, "first byte of '%s'", header);
 *	IS_STR(out, STR("abc"), "cut at the separator");
 *	return tap_end();
 */
#pragma once

#include "base/str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static int tap_count, tap_failed, tap_ended;

__attribute__((format(printf, 4, 5), unused)) static int tap_check(int passed, const char *file,
								   int line, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (!passed) {
		tap_failed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

#define OK(condition, ...) tap_check(!!(condition), __FILE__, __LINE__, __VA_ARGS__)
#define IS_INT(got, want, ...)                                                             \
	do {                                                                               \
		intmax_t got_ = (intmax_t)(got), want_ = (intmax_t)(want);                 \
		if (!tap_check(got_ == want_, __FILE__, __LINE__, __VA_ARGS__))            \
			printf("#  got %" PRIdMAX "\n# want %" PRIdMAX "\n", got_, want_); \
	} while (0)
#define IS_STR(got, want, ...)                                                                   \
	do {                                                                                     \
		struct str got_ = (got), want_ = (want);                                         \
		if (!tap_check(str_eq(got_, want_), __FILE__, __LINE__, __VA_ARGS__))            \
			printf("#  got '%.*s'\n# want '%.*s'\n", STR_ARG(got_), STR_ARG(want_)); \
	} while (0)

__attribute__((unused)) static int tap_end(void)
{
	printf("1..%d\n", tap_count);
	if (tap_count == 0)
		printf("Bail out! nothing was checked\n");
	tap_ended = 1;
	return tap_failed || tap_count == 0 ? 1 : 0;
}

/*
 * The plan comes last and agrees with whatever ran, so that one that ends before its last check would pass.
 * Not for children made by fork(): those leave by _exit().
 */
__attribute__((destructor)) static void tap_ended_early(void)
{
	if (tap_ended)
		return;
	printf("Bail out! the test ended before tap_end(), after %d checks\n", tap_count);
	fflush(stdout);
	_exit(1);
}
