/*
 * Time.  Instants are int64_t milliseconds and end in _at_ms: of the monotonic
 * clock where only waiting counts, of the wall clock (Unix epoch, UTC) where they
 * are stored or shown.  Nothing here knows local time.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void); /* of the same clock, for what is measured */
int64_t clock_boot_ms(void);      /* monotonic, and counts while the machine sleeps */
int64_t clock_wall_ms(void);

/* By which something is removed for good.  Any thread.  False: it is doubted, `err` says why, and nothing goes. */
struct vouched_clock {
	bool (*now)(struct vouched_clock *clock, int64_t *out_ms, struct err *err) MUST_CHECK;
};

#define HTTP_DATE_SIZE 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and NUL */
#define ISO_DATE_SIZE  25 /* "1994-11-06T08:49:37.123Z" and NUL */

/* IMF-fixdate (RFC 9110, 5.6.7). */
void clock_http_date(int64_t wall_ms, char out[HTTP_DATE_SIZE]);
/* RFC 3339 in UTC, with milliseconds. */
void clock_iso_date(int64_t wall_ms, char out[ISO_DATE_SIZE]);
/* "Fri, 14 Oct 2016 21:56:34 +0000", as Twilio writes its dates (RFC 2822). */
void clock_rfc2822_date(int64_t wall_ms, char out[32]);
#define LOG_DATE_SIZE 27 /* "28/Nov/2026:14:06:53 +0000" and NUL */
/* As access logs write it (Common Log Format). */
void clock_log_date(int64_t wall_ms, char out[LOG_DATE_SIZE]);

/* The three forms of RFC 9110, 5.6.7 (IMF-fixdate, RFC 850, asctime). */
bool clock_parse_http_date(struct str text, int64_t *out_ms) MUST_CHECK;
/* RFC 2822 with a numeric zone or GMT/UTC; also RFC 3339. */
bool clock_parse_date(struct str text, int64_t *out_ms) MUST_CHECK;
