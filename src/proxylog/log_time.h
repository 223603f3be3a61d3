/*
 * Times as logs write them, in seconds since 1970.  Pure but for the zone of this machine, which nginx's error log is taken to
 * be in, as it names none.
 */
#pragma once

#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* "2026/11/29 12:03:04" at the beginning of s; *out_len bytes of it. */
bool log_time_error(struct str s, int64_t *out_s, size_t *out_len) MUST_CHECK;
/* "29/Nov/2026:12:03:04 +0200", all of s. */
bool log_time_combined(struct str s, int64_t *out_s) MUST_CHECK;
/* "2026-11-29T12:03:04", then ".123", then "Z", "+02:00" or "+0200" (none: this machine's zone), at the beginning of s. */
bool log_time_iso(struct str s, int64_t *out_s) MUST_CHECK;
/* "Nov 29 12:03:04" and a blank at the beginning of s, in a year that it does not say; *out_len bytes without the blank. */
bool log_time_syslog(struct str s, size_t *out_len) MUST_CHECK;
