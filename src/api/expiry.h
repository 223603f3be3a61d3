/*
 * Until when a recording is played: its start plus the retention time, unless it is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EXPIRY_NEVER INT64_MAX

/*
 * The instant, wall clock; EXPIRY_NEVER when it is held, when its start is not known (0), or when
 * retention_ms is INT64_MAX.  Pure.
 */
int64_t expiry_at_ms(int64_t retention_ms, int64_t started_at_ms, bool is_held);

struct web_local;
/* Has that instant passed, by the loop's clock? */
bool expiry_has_passed(const struct web_local *local, int64_t started_at_ms, bool is_held);
